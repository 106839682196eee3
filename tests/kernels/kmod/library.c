// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * library LOWER TARGET: mounts a view of the kernel engine by the library, calls the functions that
 * such a view has, and leaves it mounted with the filter key.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <penstock/node.h>
#include <penstock/source.h>

static struct pst_error error;
static struct pst_view *view;

#define EXPECT(EXPR)                                                                               \
	do {                                                                                       \
		if (!(EXPR)) {                                                                     \
			printf("%d: %s; the error is: %s\n", __LINE__, #EXPR, error.text);         \
			exit(1);                                                                   \
		}                                                                                  \
	} while (0)

static void *wait_for_end(void *aux)
{
	pst_view_wait(view);
	return NULL;
}

static void check_functions(void)
{
	struct pst_view_info info = { .size = sizeof(info) };
	struct pst_filter_stat stats[16];
	struct pst_filter rows[4];
	int fds[2];
	size_t n;

	EXPECT(pst_view_info(view, &info) == 0 && strcmp(info.engine, "kernel") == 0);
	EXPECT(strcmp(info.filters_in, "kernel") == 0 && info.n_workers == 0);
	EXPECT(pst_view_connection(view) == 0);
	EXPECT(pst_view_op_stats(view, NULL, 0, &n) == 0 && n == 0);
	EXPECT(pst_view_filter_add(view, "pass", &error) == 0);
	EXPECT(pst_view_filters(view, rows, 4, &n) == 0 && n == 2);
	EXPECT(strcmp(rows[0].name, "key") == 0 && strcmp(rows[1].spec, "pass") == 0);
	EXPECT(pst_view_filter_stats(view, stats, 16, &n) == 0 && n >= 2);
	EXPECT(pst_view_filter_remove(view, "none", &error) == -ENOENT);
	EXPECT(pst_view_filter_replace(view, "pass", "key,name=other", &error) == 0);
	EXPECT(pst_view_filter_remove(view, "other", &error) == 0);
	EXPECT(pst_view_filter_add(view, "mask,names=x", &error) == -EOPNOTSUPP);
	EXPECT(pst_view_bypassed(view, "key", NULL, 0, &n) == 0 && n == 0);
	EXPECT(pst_view_remounted(view, 0, PST_MOUNT_RDONLY, &error) == 0);
	EXPECT(pst_view_nodeid(view, "k", 1) == 0 && pst_view_dispatch_fd(view) == -1);
	EXPECT(pst_view_evict(view, 1) == -EINVAL && pst_view_back(view, 1, 0) == -ENOENT);
	pst_view_changed(view, 1);
	pst_view_changed_name(view, 1, "x");
	EXPECT(pipe(fds) == 0 && pst_view_trace(view, fds[1], 1, &error) == -EOPNOTSUPP);
}

int main(int argc, char **argv)
{
	static const char *const filters[] = { "key", NULL };
	struct pst_view_options options = PST_VIEW_OPTIONS_INIT;
	char file[256];
	pthread_t thread;

	if (argc != 3)
		return 2;
	options.lower = argv[1];
	options.mountpoint = argv[2];
	options.filters = filters;
	options.xattr = PST_XATTR_OFF;
	options.engine = PST_ENGINE_KERNEL;
	EXPECT(pst_view_mount(&options, &view, &error) == -EOPNOTSUPP);
	options.engine = PST_ENGINE_AUTO;
	EXPECT(pst_view_mount(&options, &view, &error) == 0 && pst_view_connection(view));
	pst_view_free(view);
	options.xattr = PST_XATTR_ON;
	snprintf(file, sizeof(file), "%s/x.key", argv[1]);
	EXPECT(close(open(file, O_CREAT | O_WRONLY, 0644)) == 0);
	for (int i = 0; i < 2; i++) {
		EXPECT(pst_view_mount(&options, &view, &error) == 0);
		check_functions();
		snprintf(file, sizeof(file), "%s/x.key", argv[2]);
		EXPECT(open(file, O_RDONLY) < 0 && errno == ENOENT);
		if (i == 1)
			return 0;
		EXPECT(pthread_create(&thread, NULL, wait_for_end, NULL) == 0);
		snprintf(file, sizeof(file), "%s/plain", argv[2]);
		EXPECT((i = open(file, O_RDONLY)) >= 0);
		EXPECT(pst_view_unmount(view, 0) == -EBUSY);
		EXPECT(pst_view_unmount(view, 1) == 0);
		usleep(100000);
		EXPECT(pthread_tryjoin_np(thread, NULL) == EBUSY);
		close(i);
		i = 0;
		pthread_join(thread, NULL);
		EXPECT(access(file, F_OK) < 0);
		pst_view_free(view);
	}
}
