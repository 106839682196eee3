/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PENSTOCK_NODE_H
#define PENSTOCK_NODE_H
/*
 * Programs that answer operations of files and directories themselves.
 *
 * The program fills a struct pst_node_ops with functions (callbacks), one for each operation, and
 * sets options.node_ops before pst_view_mount(). Two kinds of files have answers of the program:
 *
 *  - a lower file of which the program answers some operations, those in the mask that ops()
 *    returns. The lower file does all others, and those to which a callback answers PST_BACKING.
 *    Its attributes are those of struct pst_server and of the lower file, except for the root;
 *  - a file with a key, which lookup() or another callback has returned as a struct pst_entry. It
 *    has no lower file, so the program answers all of its operations. The key is a number, a path
 *    or whatever else the program identifies the file by: the same key is the same file, under
 *    every name.
 *
 * The kernel checks permissions by mode, owner and ACLs before it sends an operation. The callbacks
 * need not, but they decide the owner of new files.
 *
 * Threads: a callback runs in a thread of the view's pool, several at the same time, and may block;
 * the caller of the view waits. Callbacks in the mask `quick` run in the thread that receives
 * requests, which saves two changes of threads; they must not block. With `loop` all callbacks that
 * have a request run in the program's own threads, inside of pst_view_dispatch(); ops(), forget()
 * and find() run in any thread. A callback must not use files of the view by system calls, because
 * that can deadlock.
 *
 * Results: a callback returns 0, or a number of bytes where its comment says so, a negative errno
 * for the client, PST_BACKING or PST_LATER. Numbers that are none of these, and results that no
 * file can have, are logged, and the client gets EIO. A member that is NULL answers PST_BACKING,
 * unless its comment says otherwise. So in the root, which is a lower directory, a client that
 * makes a file makes it in LOWER if the program has no make(), even if readdir() shows other names
 * only. A program whose files nobody changes sets PST_MOUNT_RDONLY in options.mount_flags.
 *
 * Pointers in the arguments of a callback are valid until it returns; after PST_LATER, until the
 * program has called pst_reply().
 */
#include <penstock/penstock.h>

#include <linux/stat.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/*
 * The lower file shall carry the operation out. A file without a lower file then fails with the
 * error that a file system without this operation has (EPERM, EOPNOTSUPP, ...).
 */
#define PST_BACKING (-5001)
/*
 * The program keeps the request, and calls pst_reply() once, from any thread, maybe before the
 * callback has returned.
 */
#define PST_LATER (-5002)

/* The operations of struct pst_node_ops, as bits of masks. */
enum pst_answers {
	PST_ANSWERS_LOOKUP = 1 << 0,
	PST_ANSWERS_GETATTR = 1 << 1, /* of a lower file: the root only */
	PST_ANSWERS_SETATTR = 1 << 2, /* of a lower file: the root only */
	PST_ANSWERS_READLINK = 1 << 3,
	PST_ANSWERS_MAKE = 1 << 4,
	PST_ANSWERS_CREATE = 1 << 5, /* create() and tmpfile() */
	PST_ANSWERS_LINK = 1 << 6,
	PST_ANSWERS_REMOVE = 1 << 7,
	PST_ANSWERS_RENAME = 1 << 8,
	PST_ANSWERS_OPEN = 1 << 9, /* open() decides about read(), write() and so on */
	PST_ANSWERS_READDIR = 1 << 10,
	PST_ANSWERS_XATTR = 1 << 11,
	PST_ANSWERS_STATFS = 1 << 12,
	PST_ANSWERS_IOCTL = 1 << 13,
	PST_ANSWERS_ALL = (1 << 14) - 1,
};

/*
 * An operation that a callback answers. The library owns it; all members but state are constant.
 * Later versions of the library add members at the end, as in struct pst_file.
 */
struct pst_request {
	void *aux;   /* of struct pst_node_ops */
	void *state; /* the program's; NULL at first */
	/* The file or directory. file->key_len is 0 if it is a lower file. */
	const struct pst_file *file;
	/*
	 * link(): the file that gets a name; rename(): the new directory; copy_file_range(): the
	 * file that is written. Else NULL.
	 */
	const struct pst_file *file2;
	/* struct pst_opened.handle of the open file; handle2: of file2 in copy_file_range() */
	uint64_t handle, handle2;
	uint32_t uid, gid, pid; /* of the client; pid is 0 if it is in another PID namespace */
	/* 1: this write, truncation or change of owner clears the set-ID bits of the file. */
	uint32_t clears_set_ids;
};

/* A file with a key, and its attributes. All zeros when the callback gets it. */
#define PST_KEY_MAX 64
struct pst_entry {
	uint32_t key_len; /* 1 to PST_KEY_MAX; lookup(): 0 if the name does not exist */
	unsigned char key[PST_KEY_MAX];
	/*
	 * All attributes, whatever stx_mask says; statx(2) of another file may fill it. The type in
	 * stx_mode must not change in the life of a key. The view keeps the stx_ino of the first
	 * entry. It replaces a stx_ino of 0 by a number that it makes of the key, and a stx_blksize
	 * of 0 by 4096.
	 */
	struct statx stx;
};

static inline void pst_entry_key(struct pst_entry *entry, const void *key, size_t len)
{
	entry->key_len = (uint32_t)len;
	memcpy(entry->key, key, len < PST_KEY_MAX ? len : PST_KEY_MAX);
}

/*
 * Keys that are numbers, as the inode numbers of libfuse: gives the file of an entry a number, and
 * returns that of a file. The root of the view, which has no key, has the number root.
 */
static inline void pst_entry_number(struct pst_entry *entry, uint64_t number)
{
	pst_entry_key(entry, &number, sizeof(number));
}

static inline uint64_t pst_file_number(const struct pst_file *file, uint64_t root)
{
	if (file->key_len == sizeof(root))
		memcpy(&root, file->key, sizeof(root));
	return root;
}

/* How reads and writes of an open file are carried out. */
enum pst_data {
	PST_DATA_CACHED, /* by read() and write(), through the page cache of the view */
	PST_DATA_DIRECT, /* by read() and write(), one for each read(2) and write(2); mmap(2) with
			    MAP_SHARED fails */
};
/* The result of an open. All zeros when the callback gets it. */
struct pst_opened {
	enum pst_data data;
	uint32_t keep_cache; /* 1: pages that the kernel has cached before are still right; 0 means
				the same if timeout_ns is UINT64_MAX */
	uint64_t handle;     /* the program's number of the open file */
};

/* Copies len bytes of memory from off on to buf; for read() and readlink(). Returns the number. */
static inline ssize_t pst_copy(void *buf, size_t size, uint64_t off, const void *from, size_t len)
{
	size_t n = off < len ? len - (size_t)off : 0;

	if (n > size)
		n = size;
	if (n)
		memcpy(buf, (const char *)from + off, n);
	return (ssize_t)n;
}

/* Names that readdir() adds. */
struct pst_listing;

struct pst_node_ops {
	size_t size;    /* sizeof(struct pst_node_ops) */
	void *aux;      /* the program's; requests have it, too */
	uint32_t quick; /* PST_ANSWERS_*: callbacks that never block; OPEN: also those of open
			   files */
	uint32_t loop;  /* 1: callbacks run inside of pst_view_dispatch() only */
	/*
	 * Nanoseconds for which the kernel may cache names and attributes of files with a key.
	 * UINT64_MAX: without a limit, also data; then the program must call pst_view_changed(),
	 * pst_view_changed_data() or their like for each change that no client of the view makes.
	 */
	uint64_t timeout_ns;
	/*
	 * Returns the operations that the program answers of a lower file, PST_ANSWERS_*. The view
	 * calls it once in the life of a nodeid, in any thread; it must not block. NULL:
	 * PST_ANSWERS_ALL of the root, and 0 of all other files. Operations without a callback are
	 * those of the lower file in any case.
	 */
	uint32_t (*ops)(void *aux, const struct pst_file *file);
	/*
	 * The view no longer has a nodeid of this file with a key: no client has it open, and the
	 * kernel has not cached it. lookup() may return the key again, and a lookup() that runs now
	 * may be about to. Must not block, and must not use the view.
	 */
	void (*forget)(void *aux, const struct pst_file *file);
	/*
	 * Finds the file of a key again, for a client that opens a file handle of the view
	 * (open_by_handle_at(2), NFS) after forget(). Returns the type of the file (S_IFMT bits),
	 * and sets *ret_ino to its stx_ino; 0 if the file does not exist any more. Must not block.
	 * forget() of the file does not run meanwhile, nor before the view has the file again.
	 * Without this function, and for keys that do not fit into a file handle, such a client
	 * gets ESTALE. Keys of up to 7 bytes fit, and numbers of 8 bytes below 2^59.
	 */
	uint32_t (*find)(void *aux, const struct pst_file *file, uint64_t *ret_ino);

	/*
	 * The file of a name in a directory. -ENOENT if there is none; or 0 with key_len 0, so that
	 * the kernel caches for timeout_ns that the name does not exist. If this is NULL and
	 * readdir is not, the library looks for the name among those that readdir() adds.
	 */
	int (*lookup)(struct pst_request *req, const char *name, struct pst_entry *ret_entry);
	/*
	 * The attributes of a file. If this is NULL, a file has those of the last entry with its
	 * key; such a program has no setattr, write and find.
	 */
	int (*getattr)(struct pst_request *req, struct statx *ret_stx);
	/*
	 * Changes the attributes in change->stx_mask: STATX_MODE, _UID, _GID, _SIZE, _ATIME,
	 * _MTIME. *ret_stx are all attributes after the change.
	 */
	int (*setattr)(struct pst_request *req, const struct statx *change, struct statx *ret_stx);
	/* Returns the number of bytes in buf, without a NUL. */
	ssize_t (*readlink)(struct pst_request *req, char *buf, size_t size);
	/*
	 * Makes a file without opening it: the type in mode says which. target is the text of a
	 * symbolic link, else NULL. rdev is the number of a device. The umask is applied already.
	 */
	int (*make)(struct pst_request *req, const char *name, uint32_t mode, dev_t rdev,
		    const char *target, struct pst_entry *ret_entry);
	/*
	 * Makes a regular file and opens it. flags are those of open(2). If this and open are
	 * NULL, make() makes the file.
	 */
	int (*create)(struct pst_request *req, const char *name, uint32_t mode, int flags,
		      struct pst_entry *ret_entry, struct pst_opened *ret_opened);
	/* Gives the file req->file2 a name in the directory req->file. */
	int (*link)(struct pst_request *req, const char *name, struct pst_entry *ret_entry);
	/* unlink(2), or rmdir(2) if is_dir is 1. The file may be open still; see forget(). */
	int (*remove)(struct pst_request *req, const char *name, int is_dir);
	/* flags are RENAME_* of renameat2(2). */
	int (*rename)(struct pst_request *req, const char *name, const char *new_name,
		      unsigned int flags);

	/*
	 * Opens a regular file. flags are those of open(2), including O_TRUNC. If this returns
	 * PST_BACKING, the kernel reads and writes the lower file; else read() and write() are
	 * called. As long as a file is open it stays the way it was opened first: while the kernel
	 * reads the lower file, an open for read() fails with EBUSY.
	 *
	 * If this is NULL and read is not, the library opens a file with a key as PST_DATA_CACHED:
	 * with O_TRUNC after it has called setattr() with the size 0; without write(), for reading
	 * only (EROFS).
	 */
	int (*open)(struct pst_request *req, int flags, struct pst_opened *ret_opened);
	/* Returns the number of bytes; fewer than size only at the end of the file. */
	ssize_t (*read)(struct pst_request *req, void *buf, size_t size, uint64_t off);
	/* Returns the number of bytes that were written, size at most. */
	ssize_t (*write)(struct pst_request *req, const void *buf, size_t size, uint64_t off);
	int (*fallocate)(struct pst_request *req, int mode, uint64_t off, uint64_t len);
	/*
	 * whence is SEEK_DATA or SEEK_HOLE. Returns the offset. If this is NULL, the library
	 * answers as for a file without holes, of the size that the file's attributes have.
	 */
	int64_t (*lseek)(struct pst_request *req, int64_t off, int whence);
	/* Also for a directory, whose handle is always 0. */
	int (*fsync)(struct pst_request *req, int data_only);
	/* A process has closed one of its descriptors; the client gets the error. */
	int (*flush)(struct pst_request *req);
	/*
	 * The last descriptor is closed; or the open fails although open(), create() or tmpfile()
	 * has returned 0, because a filter refuses it, for example. The library does not call it
	 * for files that are still open when the view ends. PST_LATER is not possible.
	 */
	void (*release)(struct pst_request *req);

	/*
	 * Adds names by pst_listing_add(), beginning after the name whose `next` is at (0: with the
	 * first), until there are no more or the listing is full. The library adds "." and "..".
	 * A function that adds all names each time, in the same order, gives each the `next` 0 and
	 * ignores at. PST_BACKING: the names of the lower directory come before these, and `next`
	 * must be below 2^32 - 4.
	 */
	int (*readdir)(struct pst_request *req, uint64_t at, struct pst_listing *listing);

	/*
	 * Return the length of the value or list, and copy it to buf if size is not 0; -ERANGE if
	 * it is longer. getxattr() returns -ENODATA if there is none; a list has the names with a
	 * NUL after each.
	 */
	ssize_t (*getxattr)(struct pst_request *req, const char *name, void *buf, size_t size);
	ssize_t (*listxattr)(struct pst_request *req, char *buf, size_t size);
	/* flags are XATTR_* of setxattr(2). */
	int (*setxattr)(struct pst_request *req, const char *name, const void *value, size_t size,
			int flags);
	int (*removexattr)(struct pst_request *req, const char *name);
	int (*statfs)(struct pst_request *req, struct statvfs *ret_st);

	/*
	 * Copies len bytes from off in the open file req->file to off2 in req->file2, which may be
	 * the same file. Returns the number of bytes, fewer than len at the end of the file.
	 * The library does not call it if the program has opened only one of the files. Then, and
	 * after PST_BACKING, the process that copies reads and writes.
	 */
	ssize_t (*copy_file_range)(struct pst_request *req, uint64_t off, uint64_t off2,
				   size_t len);
	/*
	 * Makes a regular file without a name in a directory, and opens it, for O_TMPFILE. link()
	 * may give it a name later, if flags, those of open(2), are without O_EXCL.
	 */
	int (*tmpfile)(struct pst_request *req, uint32_t mode, int flags,
		       struct pst_entry *ret_entry, struct pst_opened *ret_opened);
	/*
	 * ioctl(2) on a regular file or a directory, with a command whose number says the size and
	 * direction of its argument (_IOR, _IOW, _IOWR). in has in_size bytes of the client, out
	 * takes out_size bytes for the client, at first zeros; either may be 0. Returns what
	 * ioctl(2) shall return.
	 */
	int (*ioctl)(struct pst_request *req, uint32_t cmd, const void *in, size_t in_size,
		     void *out, size_t out_size);
	/*
	 * 1: the library calls one function of this struct at a time, so that a program without
	 * threads of its own needs no locks. forget() may run inside of a pst_reply() that another
	 * callback makes.
	 */
	uint32_t serial;
	/*
	 * 1: the program answers operations of lower files only if a filter sends them (PST_SERVE);
	 * ops is NULL. In a view of the kernel engine, only these come to the program then.
	 */
	uint32_t by_filters;
};

/*
 * Adds a name to a listing. next is a number of the program's by which the following readdir() goes
 * on after this name; 0: the library counts the names, and leaves out those that it has already.
 * entry is what lookup() would return for the name, so that the kernel need not ask; or, in a
 * program with lookup(), only entry->stx.stx_ino and the type in stx_mode are set, with key_len 0.
 * Returns 0; 1 if no further name is needed, after which readdir() returns; or -EINVAL, with a line
 * in the log, for a name that no file can have: empty, ".", "..", with a slash, or of more than 255
 * bytes.
 */
int pst_listing_add(struct pst_listing *listing, const char *name, uint64_t next,
		    const struct pst_entry *entry);

/*
 * Ends a request to which a callback has answered PST_LATER. result is what the callback would have
 * returned. The program must call it exactly once, and not use req after it. If the program does
 * not call it before pst_view_free(), the request ends there, and req is invalid from then on.
 *
 * About 380 requests of one user can wait like that at a time, those of root without a limit. The
 * view answers further ones with EAGAIN, without calling the program.
 */
void pst_reply(struct pst_request *req, int64_t result);
/*
 * Returns 1 if nobody needs the answer any more, because the client is being killed or the view
 * ends. The program may then answer -EINTR. The kernel keeps the client until the answer has come.
 */
int pst_request_interrupted(const struct pst_request *req);
/*
 * Fills up to n supplementary groups of the client, and sets *ret_n to their number. Returns 0, or
 * -ESRCH if the client has ended or is in another PID namespace, or -ENOMEM.
 */
int pst_request_groups(const struct pst_request *req, gid_t *groups, size_t n, size_t *ret_n);
/*
 * Writes the path of the lower file req->file below the root of the view, "/" for the root. Returns
 * 0, or -ENOENT if the file has no path now, -ENAMETOOLONG, or -EOPNOTSUPP for a file with a key.
 */
int pst_request_path(const struct pst_request *req, char *buf, size_t size);

/*
 * Gives a file with a key a lower file: from the next first open on the kernel reads and writes it
 * directly, and the lower file does all other operations, too. fd is a regular file on the file
 * system of LOWER with the content that the program has served, open for any access; the caller
 * keeps it. No other file of the view should be the same lower file. The lower file goes with the
 * nodeid: after forget() the program serves the file again. Returns -ENOENT if the kernel does not
 * know the node, -EBUSY if it has a lower file already, -EXDEV for a file on another file system,
 * -EINVAL if one of them is no regular file.
 */
int pst_view_back(struct pst_view *view, uint64_t nodeid, int fd);
/* Returns the nodeid of a key, for pst_view_changed() and its like; 0 if the kernel knows none. */
uint64_t pst_view_nodeid(struct pst_view *view, const void *key, size_t len);
/*
 * These functions make the kernel drop what it has cached, like pst_view_changed(), which drops the
 * attributes of a file. They return before the kernel has done so. Callbacks must not call them.
 *
 * pst_view_changed_data(): the attributes and len bytes of data from off on; len 0: to the end.
 * pst_view_changed_name(): a name of a directory, and that it does not exist.
 * pst_view_removed(): a name that the program has removed, with the file that it led to.
 */
void pst_view_changed_data(struct pst_view *view, uint64_t nodeid, int64_t off, int64_t len);
void pst_view_changed_name(struct pst_view *view, uint64_t dir, const char *name);
void pst_view_removed(struct pst_view *view, uint64_t dir, const char *name, uint64_t nodeid);

/*
 * With `loop`: the descriptor is readable (poll(2), EPOLLIN) while requests wait; the library owns
 * it. pst_view_dispatch() runs the callbacks of all requests that wait, in the calling thread; a
 * callback that blocks holds the next ones up. Several threads may call it. Returns -1 without
 * `loop`.
 */
int pst_view_dispatch_fd(struct pst_view *view);
void pst_view_dispatch(struct pst_view *view);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
