// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Case-insensitive directories (or insensitive to Unicode forms, or with short names): maps a name
 * to the spelling on disk. Filters see this spelling, or a client could evade a filter for "key" by
 * the name "KEY".
 *
 * is_casefold() takes a name that the directory has, and looks up the same name in the other case:
 * in a case-insensitive directory both lead to the same file. node->casefold stores the result. If
 * a directory has two hard links to a file whose names differ only in case, it is wrongly treated
 * as case-insensitive, which costs only time. No locks.
 */
#include "fs/fs-private.h"
#include "util/cleanup.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <strings.h>

enum casefold { CASEFOLD_UNKNOWN, CASEFOLD_OFF, CASEFOLD_ON };

/* Writes the same name in the other case. Returns false if it has no letters or is too long. */
static bool other_case(const char *name, char other[FS_NAME_SIZE])
{
	bool differs = false;
	size_t i;

	for (i = 0; name[i] && i < FS_NAME_SIZE - 1; i++) {
		unsigned char c = (unsigned char)name[i];

		other[i] = (char)(c >= 0x80 ? c : islower(c) ? toupper(c) : tolower(c));
		differs |= other[i] != name[i];
	}
	other[i] = '\0';
	return differs && !name[i];
}

static bool find_ino(int dir_fd, const char *name, uint64_t *ret_ino)
{
	struct statx stx;

	if (statx(dir_fd, name, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, STATX_INO, &stx) < 0)
		return false;
	*ret_ino = stx.stx_ino;
	return true;
}

static bool is_casefold(struct node *dir, int dir_fd, const char *name, uint64_t ino)
{
	char other[FS_NAME_SIZE];
	uint64_t other_ino;
	uint8_t state = dir->casefold;

	if (state == CASEFOLD_UNKNOWN) {
		if (!other_case(name, other))
			return false;
		state = find_ino(dir_fd, other, &other_ino) && other_ino == ino ? CASEFOLD_ON :
										  CASEFOLD_OFF;
		dir->casefold = state;
	}
	return state == CASEFOLD_ON;
}

struct search {
	const char *name;
	uint64_t ino;
	char *real;
	bool found, is_written_so;
};

static void look(void *aux, struct node *dir, const char *name, uint64_t ino, uint32_t type)
{
	struct search *search = aux;

	(void)dir;
	(void)type;
	if (ino != search->ino || search->is_written_so)
		return;
	search->is_written_so = strcmp(name, search->name) == 0;
	/* The search is for the hard link whose name differs only in case. */
	if (search->found && strcasecmp(name, search->name) != 0)
		return;
	search->found = true;
	strncpy(search->real, name, FS_NAME_SIZE - 1);
	search->real[FS_NAME_SIZE - 1] = '\0';
}

int fs_real_name(struct fs *fs, struct node *dir, const char *name, char real[FS_NAME_SIZE])
{
	_cleanup_(fdref_putp) struct fdref ref = FDREF_NONE;
	struct search search = { .name = name, .real = real };

	if (dir->casefold == CASEFOLD_OFF)
		return -ENOENT;
	if (fdref_get(fs->fds, dir, &ref) < 0 || !find_ino(ref.fd, name, &search.ino) ||
	    !is_casefold(dir, ref.fd, name, search.ino))
		return -ENOENT;
	fs_each_name(fs, dir, look, &search);
	return search.found && !search.is_written_so ? 0 : -ENOENT;
}
