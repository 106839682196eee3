// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Which files are watched while nodes are made and freed. Uses a real tree and real fanotify, so it
 * needs root and is skipped otherwise.
 */
#include "../test.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fs/fs-private.h"

struct fixture {
	char path[32];
	int top;
	struct fs *fs;
	struct node *again; /* what on_free finds under the name of a node that dies */
	_Atomic unsigned int n_names;
};

static struct fixture *now;

static void want_tick(void *aux)
{
}

static void on_invalidate_node(void *aux, uint64_t nodeid, bool data)
{
}

static void on_invalidate_name(void *aux, uint64_t parent, const char *name, uint64_t child,
			       bool expire)
{
	((struct fixture *)aux)->n_names++;
}

static void moved_away(void *aux, uint64_t parent, const char *name, uint64_t child)
{
}

static void on_invalidate_all(void *aux)
{
}

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct fs_config config = {
		.cache = PST_CACHE_AUTO,
		.ttl_ns = 1,
		.fd_budget = 16,
		.host = { .aux = f,
			  .want_tick = want_tick,
			  .invalidate_node = on_invalidate_node,
			  .invalidate_name = on_invalidate_name,
			  .moved_away = moved_away,
			  .invalidate_all = on_invalidate_all },
	};

	assert_non_null(f);
	snprintf(f->path, sizeof(f->path), "/tmp/penstock-watch-XXXXXX");
	assert_non_null(mkdtemp(f->path));
	f->top = open(f->path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(mkdirat(f->top, "d", 0755), 0);
	config.lower = open(f->path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(fs_new(&config, &f->fs), 0);
	assert_int_equal(fs_start(f->fs), 0);
	now = f;
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	fs_free(f->fs);
	unlinkat(f->top, "d/late", 0);
	unlinkat(f->top, "d", AT_REMOVEDIR);
	close(f->top);
	rmdir(f->path);
	free(f);
	return 0;
}

/* Returns the node of "d" after a lookup in it, so that it is watched if possible. */
static struct node *look(struct fixture *f)
{
	struct fs_entry entry = { 0 }, in = { 0 };

	assert_int_equal(fs_lookup(f->fs, f->fs->root, "d", &entry), 0);
	fs_lookup(f->fs, entry.node, "late", &in);
	fs_node_put(f->fs, in.node);
	return entry.node;
}

/* Looks a file up again while its node is being freed. */
static void look_again(void *aux, struct node *node)
{
	struct fs *fs = aux;

	if (S_ISDIR(node->type) && !now->again && node != fs->root)
		now->again = look(now);
	watch_node_gone(fs, node);
	fdcache_drop(fs->fds, node);
}

/* The new node has the mark, and changes by another process make events. */
TEST_F(mark_stays_with_node_found_while_other_is_freed, state)
{
	struct fixture *f = *state;
	struct node *node = look(f);
	struct fs_stat stat;
	char command[64];

	if (node->watch != WATCH_ON) {
		fs_node_put(f->fs, node);
		print_message("skipped: the kernel marks no files here\n");
		skip();
	}
	fs_stat(f->fs, &stat);
	assert_int_equal(stat.n_watched, 2);
	nodetab_on_free(f->fs->nodes, look_again, f->fs);
	fs_node_put(f->fs, node);
	assert_non_null(f->again);
	assert_int_equal(f->again->watch, WATCH_ON);
	fs_stat(f->fs, &stat);
	assert_int_equal(stat.n_watched, 2);

	/* In another process, because events by this one are the view's own. */
	snprintf(command, sizeof(command), ": > %s/d/late", f->path);
	assert_int_equal(system(command), 0);
	for (int i = 0; i < 300 && !f->n_names; i++)
		usleep(10000);
	assert_int_not_equal(f->n_names, 0);
	fs_node_put(f->fs, f->again);
}

TEST_MAIN(NULL, NULL)
