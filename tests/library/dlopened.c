// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * dlopened LIBRARY LOWER MOUNTPOINT FILTER
 *
 * A program that is not linked with the library, but loads it, and ignores SIGCHLD. Prints "main"
 * when it begins and "mounted" when the view is there. Ends when the view is unmounted.
 */
#include <dlfcn.h>
#include <err.h>
#include <penstock/penstock.h>
#include <signal.h>
#include <stdio.h>

int main(int argc, char **argv)
{
	struct pst_view_options options = PST_VIEW_OPTIONS_INIT;
	const char *filters[] = { argv[4], NULL };
	struct pst_view *view;
	struct pst_error error;
	void *library;
	int (*mount)(const struct pst_view_options *, struct pst_view **, struct pst_error *);
	int (*wait)(struct pst_view *);
	void (*free_view)(struct pst_view *);

	puts("main");
	fflush(stdout);
	signal(SIGCHLD, SIG_IGN);
	if (argc != 5)
		errx(2, "see the source");
	library = dlopen(argv[1], RTLD_NOW);
	if (!library)
		errx(1, "%s", dlerror());
	*(void **)&mount = dlsym(library, "pst_view_mount");
	*(void **)&wait = dlsym(library, "pst_view_wait");
	*(void **)&free_view = dlsym(library, "pst_view_free");
	options.lower = argv[2];
	options.mountpoint = argv[3];
	options.filters = filters;
	if (mount(&options, &view, &error) < 0)
		errx(1, "%s", error.text);
	puts("mounted");
	fflush(stdout);
	wait(view);
	free_view(view);
	return 0;
}
