// SPDX-License-Identifier: GPL-2.0-only
/*
 * The umask that filters have chosen for a new file. A lower file system applies the umask of the
 * current task itself, because only it knows if a default ACL takes the umask's place; the umask is
 * no argument. Threads have one umask, in the fs_struct that they share, and others of them may
 * create files meanwhile. So the task gets an fs_struct of its own while it creates the file.
 *
 * Other tasks look at the fs_struct of a task, and pivot_root(2) changes the root and the working
 * directory in it, under task_lock() only. So a change under that lock is seen by all, and the own
 * fs_struct is not in use after it. While it is in use,
 *
 *	- the task calls nothing but the lower file system, so it does not look up paths, chdir(2),
 *	  or share its fs_struct;
 *	- an exec of another thread counts one thread less than the shared fs_struct has users, and
 *	  ignores set-id bits, as it does if the fs_struct is shared with another process.
 */
#include "penstock.h"

struct pst_umask {
	struct fs_struct own, *shared; /* shared: that of the task */
	struct path root, pwd;         /* of the task at first, with references */
};

/* Prepares to create a file with another umask. NULL: no memory. */
struct pst_umask *pst_umask_new(u32 umask)
{
	struct pst_umask *u = kzalloc(sizeof(*u), GFP_KERNEL_ACCOUNT);

	if (!u)
		return NULL;
	c_fs_init(&u->own);
	u->own.umask = umask & 0777;
	/* If the task dies of a fault of the lower file system, the kernel must not free this. */
	u->own.users = 2;
	return u;
}

/* Gives the current task the umask, until pst_umask_leave(). NULL: the task keeps its own. */
void pst_umask_take(struct pst_umask *u)
{
	if (likely(!u))
		return;
	u->shared = current->fs;
	get_fs_root(u->shared, &u->root);
	get_fs_pwd(u->shared, &u->pwd);
	u->own.root = u->root;
	path_get(&u->own.root);
	u->own.pwd = u->pwd;
	path_get(&u->own.pwd);
	task_lock(current);
	current->fs = &u->own;
	task_unlock(current);
}

/*
 * Does to a path of the shared fs_struct what pivot_root(2) has done to the own one, unless it has
 * met the shared one by another thread. Drops the references to the path at first and now.
 */
static void follow(struct fs_struct *shared, struct path *path, const struct path *first,
		   const struct path *now)
{
	struct path old = *now;

	c_fs_lock(shared);
	if (!path_equal(now, first) && path_equal(path, first)) {
		old = *path;
		*path = *now;
	}
	c_fs_unlock(shared);
	path_put(&old);
	path_put(first);
}

void pst_umask_leave(struct pst_umask *u)
{
	if (likely(!u))
		return;
	task_lock(current);
	current->fs = u->shared;
	task_unlock(current);
	follow(u->shared, &u->shared->root, &u->root, &u->own.root);
	follow(u->shared, &u->shared->pwd, &u->pwd, &u->own.pwd);
}
