// SPDX-License-Identifier: LGPL-2.1-or-later
#include "coherence.h"

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

double part_of(double *list, size_t n, double part)
{
	if (!n)
		return 0;
	qsort(list, n, sizeof(*list), by_size);
	return list[(size_t)((double)(n - 1) * part)];
}

const char *only_number(int argc, char **argv, int want, const char *usage)
{
	if (argc != want)
		errx(2, "usage: coherence %s", usage);
	return argv[1];
}

int open_dir(const char *path)
{
	int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		err(2, "%s", path);
	return fd;
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int (*run)(int argc, char **argv);
	} verbs[] = {
		{ "appended", coherence_appended }, { "build", coherence_build },
		{ "found", coherence_found },       { "heard", coherence_heard },
		{ "mapped", coherence_mapped },     { "nowait", coherence_nowait },
		{ "matrix", coherence_matrix },     { "opens", coherence_opens },
		{ "times", coherence_times },       { "touch", coherence_touch },
		{ "listed", coherence_listed },     { "outrun", coherence_outrun },
	};

	setvbuf(stdout, NULL, _IOLBF, 0);
	for (size_t i = 0; argc > 1 && i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (strcmp(argv[1], verbs[i].name) == 0)
			return verbs[i].run(argc - 1, argv + 1);
	errx(2, "no such verb: %s", argc > 1 ? argv[1] : "(none)");
}
