/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PENSTOCK_SOURCE_H
#define PENSTOCK_SOURCE_H
/*
 * Sources: programs that fill LOWER when its files are first needed.
 *
 * A file of LOWER may be *hollow*: it has its name, size, mode, owner and times, and not yet its
 * content. A directory may be hollow: its names are not yet there. Before a client of the view sees
 * content or names, the view calls a function of the source, which writes them into LOWER. From
 * then on the file is an ordinary lower file, also for the next view of LOWER.
 *
 *	static int fetch(void *aux, struct pst_fetch *fetch)
 *	{
 *		... pwrite(fetch->fd, ...) all fetch->len bytes from fetch->off on ...
 *	}
 *
 *	struct pst_source source = { .size = sizeof(source), .list = list, .fetch = fetch };
 *	options.source = &source;
 *
 * The mark of a hollow file is an extended attribute of the lower inode. The view removes it when
 * the content is on the disk, about a second after the fetch. If the program is killed during a
 * fetch, the file is still hollow, and the next view of LOWER fetches it again. Clients of the view
 * do not see the mark. Unless guard is set, processes that read LOWER directly see zeros in a
 * hollow file, and no names in a hollow directory.
 */
#include <penstock/penstock.h>

#include <linux/stat.h>
#include <sys/stat.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

/* The mark. Its value is the source's own tag: an address, a place in an archive, or nothing. */
#define PST_HOLLOW         "trusted.penstock.hollow"
#define PST_HOLLOW_TAG_MAX 1024 /* bytes */

/* A file to make. A program initialises it with zeros and sets size. */
struct pst_hollow {
	size_t size; /* sizeof(struct pst_hollow) */
	/*
	 * Mode, owner, size, atime, mtime, and the number of a device, whatever stx_mask says;
	 * statx(2) of another file may fill it. An atime of all zeros is the same as mtime. Only
	 * regular files, of 1 byte or more, and directories become hollow.
	 */
	struct statx stx;
	const char *target; /* the text of a symbolic link */
	const void *tag;    /* of a hollow file or directory: the value of the mark, or NULL */
	size_t tag_len;     /* bytes, PST_HOLLOW_TAG_MAX at most */
};

/*
 * Makes a file in the directory dir_fd, a descriptor in LOWER. The name appears when the file has
 * all its attributes. Returns 0, -EEXIST if the name exists, -EDEADLK if dir_fd lies in a view of
 * this process (the source would wait for itself), -EINVAL, -EBUSY if another process has replaced
 * the file before it was finished, or another -errno.
 */
int pst_hollow_make(int dir_fd, const char *name, const struct pst_hollow *hollow);

/*
 * A request to the source. The struct and all that it points to are valid during the call. The
 * function must not close fd, and must not write by a duplicate of it after the call.
 */
struct pst_fetch {
	int fd;            /* of the lower file, for reading and writing, or of the directory */
	uint32_t pad;      /* 0 */
	uint64_t off, len; /* files: the bytes that are needed; the offset of fd is off */
	uint64_t length;   /* files: the size of the file, which fetch() must not change */
	const void *tag;   /* the value of the mark */
	size_t tag_len;    /* bytes */
	const struct pst_file *file; /* the lower file */
};

/*
 * Returns 1 if nobody waits for the result any more: all callers have been killed, or the view
 * ends. The function should then return soon, with any error. System calls that signals interrupt
 * fail with EINTR in its thread from then on.
 */
int pst_fetch_cancelled(const struct pst_fetch *fetch);

/*
 * Copies the bytes of the fetch from another file, in which they begin at from. Returns 0, -EIO if
 * that file is shorter, -EINTR if the fetch is cancelled meanwhile, or another -errno.
 */
int pst_fetch_copy(struct pst_fetch *fetch, int fd, uint64_t from);

/* The time at which the content of a hollow file is fetched. */
enum pst_fetch_when {
	/*
	 * The whole file, before its first open(2) returns. The file passes through from that open
	 * on. Suits programs, libraries, and all files that are mapped.
	 */
	PST_FETCH_OPEN,
	/*
	 * In pieces, before a read(2), a page fault, or a write(2) to a part of a piece. Opens,
	 * truncations and writes of whole pieces need no pieces, but a change waits for calls for
	 * the file that run already. The view serves the data until all pieces are on the disk; the
	 * file passes through from the first open after that at which no client has it open. Suits
	 * large files of which clients read parts.
	 *
	 * Each call is for one piece, and off + len is at most the size of the file, or less after
	 * clients have truncated the file and made it longer again. A piece survives a kill of the
	 * program when its call has succeeded, and a power failure about a second later.
	 */
	PST_FETCH_READ,
	/*
	 * The whole file in the background, after a client has listed its directory or looked it
	 * up. An open that comes earlier waits, as with PST_FETCH_OPEN. At most half of n_fetches
	 * run in the background at the same time, and only while no client waits for a call.
	 */
	PST_FETCH_AHEAD,
};

/*
 * The functions of a source. They run in threads of the library, several at the same time for
 * different files or pieces of files, never two for the same file or piece. They may block: only
 * clients that need this file or piece wait. They must not use the view, neither by functions of
 * the library nor by system calls on its files; they reach LOWER by fetch->fd.
 *
 * They return 0, or a negative errno, which the clients that wait get as it is (-EIO, -ENOSPC,
 * -EDQUOT, -ETIMEDOUT, ...), except that -ENOSYS and -ESTALE become -EIO. Then the file or
 * piece stays hollow.
 */
struct pst_source {
	size_t size; /* sizeof(struct pst_source) */
	void *aux;   /* the program's; the first argument of each function */
	/*
	 * Makes the names of a hollow directory in fetch->fd, by pst_hollow_make() and other system
	 * calls. The view calls it before the first lookup or listing in the directory, and before
	 * the directory is removed. A call before may have been interrupted, so a name that exists
	 * already (-EEXIST) is no error. May be NULL if no directory is hollow.
	 */
	int (*list)(void *aux, struct pst_fetch *fetch);
	/*
	 * Writes len bytes of a hollow file from off on to fetch->fd, at the same offsets; bytes
	 * that it does not write are zeros. It must not write others, which may be those of
	 * clients. Must not be NULL.
	 */
	int (*fetch)(void *aux, struct pst_fetch *fetch);
	enum pst_fetch_when when; /* of all files, if when_of is NULL */
	uint32_t n_fetches;       /* calls at the same time; 0 for the default, 16 */
	uint32_t retry_ms;        /* after an error, clients get the same error for so long, without
			       another call; 0: each open, or read of a piece, calls again */
	uint32_t piece; /* bytes, for PST_FETCH_READ: a power of 2 from 4096 to 1 GiB; 0 for the
			       default, 1 MiB. Larger for files of more than 8192 pieces */
	/*
	 * Returns the time for one file (fetch->fd is -1, off and len are those of the whole file).
	 * The view calls it at an open or truncation of a hollow file, and after a client has
	 * looked it up or listed its directory. A file of which pieces are there stays
	 * PST_FETCH_READ without a call. Runs also in threads that serve clients, so it must not
	 * block. May be NULL: all files have the time of the member when.
	 */
	enum pst_fetch_when (*when_of)(void *aux, const struct pst_fetch *fetch);
	/*
	 * The view evicts fetched files when they have more bytes (st_size) than this: first those
	 * that were not opened for the longest time, also in earlier views. It never evicts files
	 * that are open or that a client may have changed. Files of which pieces are missing do
	 * not count, and are not evicted. 0: no limit.
	 */
	uint64_t max_bytes;
	/*
	 * 1: a process that opens a hollow file or directory of LOWER beside the view (below, by
	 * another view or mount) waits until it is fetched; if the function fails, or 1024
	 * processes wait, the open fails with EPERM. A lookup of a name in a hollow directory does
	 * not wait. Each open on LOWER's file system, except those of the view and its clients,
	 * then waits for a thread of this program. When the program is killed, waiting processes go
	 * on, and read zeros in hollow files; docs/source.md says how they can know. 0: off.
	 */
	uint32_t guard;
	/*
	 * 1: LOWER itself begins as a hollow directory, with an empty tag: list() makes its names
	 * in the first view that has this. An extended attribute of LOWER records that. 0: LOWER
	 * has names already.
	 */
	uint32_t hollow_root;
};

/*
 * Makes a file that the view has filled, whole or in part, hollow again, and frees the space of its
 * content. nodeid is that of fetch->file. Returns 0; -EBUSY if the file is open, or a client may
 * have changed it since it was filled, or no source has ever filled it; -ENOENT if the kernel does
 * not know the file any more; -EISDIR for a directory; -EINVAL if the view has no source; or
 * another -errno. Functions of the source must not call this.
 */
int pst_view_evict(struct pst_view *view, uint64_t nodeid);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif
#endif
