// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A claim is an extended attribute of LOWER that names the process of a view. A view sets its own
 * claim, and then looks for others, so of two views that begin at the same time at least one sees
 * the other. Ordinary users can neither set nor remove a claim.
 *
 * A killed process leaves its claim, which the next view removes. By /proc it knows whether a
 * process of its PID namespace runs. For others there is a flock(2) of LOWER, which ends with its
 * process. Any user can take this lock; then a view begins without it, and a claim of another
 * namespace counts for as long as the machine runs. No state, no locks.
 */
#include "source/claim.h"
#include "util/cleanup.h"
#include "util/fd.h"
#include "util/hash.h"
#include "util/log.h"
#include "util/proc.h"

#include <errno.h>
#include <linux/limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#define PREFIX "trusted.penstock.source."

/* The value of the attribute. */
struct value {
	uint64_t boot;
	uint64_t pid_namespace, pid, started;
	uint64_t dev, ino; /* LOWER, because copies of LOWER may have the attribute, too */
	uint64_t locked;   /* 1: the process has the flock */
};

/* Returns the time at which a process has started, or 0 if it has ended. */
static uint64_t started(uint64_t pid)
{
	unsigned long long ticks = 0;
	char text[1024], state = 'Z', *end;
	long n_threads = 0;
	int n = proc_read((uint32_t)pid, "stat", text, sizeof(text));

	/* The name of the process, in parentheses, may have any characters. */
	end = n < 0 ? NULL : strrchr(text, ')');
	if (!end || sscanf(end + 1,
			   " %c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d "
			   "%ld %*d %llu",
			   &state, &n_threads, &ticks) != 3)
		return 0;
	return state == 'Z' && n_threads < 2 ? 0 : ticks;
}

static int describe_self(int fd, struct value *ret_value)
{
	char boot[64];
	struct stat lower, namespace;

	if (fd_read_file("/proc/sys/kernel/random/boot_id", boot, sizeof(boot)) < 0)
		return -EIO;
	if (fstat(fd, &lower) < 0 || stat("/proc/self/ns/pid", &namespace) < 0)
		return -errno;
	*ret_value = (struct value){
		.boot = hash_bytes(0, boot, strlen(boot)),
		.pid_namespace = namespace.st_ino,
		.pid = (uint64_t)getpid(),
		.started = started((uint64_t)getpid()),
		.dev = lower.st_dev,
		.ino = lower.st_ino,
		.locked = flock(fd, LOCK_EX | LOCK_NB) == 0,
	};
	return 0;
}

/* Returns true if the view of a claim may still fill LOWER. */
static bool is_valid(const struct value *claim, const struct value *self)
{
	if (claim->boot != self->boot || claim->dev != self->dev || claim->ino != self->ino ||
	    (claim->locked && self->locked))
		return false;
	return claim->pid_namespace != self->pid_namespace ||
	       (claim->started && started(claim->pid) == claim->started);
}

static int refuse(const struct value *claim, const struct value *self, const char *name,
		  struct pst_error *error)
{
	if (claim->pid_namespace == self->pid_namespace)
		return error_set(error, -EBUSY,
				 "source: another view with a source fills LOWER, that of process "
				 "%llu; unmount that view",
				 (unsigned long long)claim->pid);
	return error_set(error, -EBUSY,
			 "source: another view with a source fills LOWER, that of process %llu of "
			 "another PID namespace, such as a container; unmount that view. If it was "
			 "killed, find the process that holds a lock (flock) on LOWER, or remove "
			 "the claim of the view: setfattr -x %s LOWER",
			 (unsigned long long)claim->pid, name);
}

/* Refuses LOWER if there is another valid claim, and removes those that are not valid. */
static int check_others(const struct claim *own, const struct value *self, const char *names,
			size_t len, struct pst_error *error)
{
	for (const char *name = names; name < names + len; name += strlen(name) + 1) {
		struct value claim;

		if (strncmp(name, PREFIX, strlen(PREFIX)) != 0 || strcmp(name, own->name) == 0 ||
		    fgetxattr(own->fd, name, &claim, sizeof(claim)) != sizeof(claim))
			continue;
		if (is_valid(&claim, self))
			return refuse(&claim, self, name, error);
		fremovexattr(own->fd, name);
	}
	return 0;
}

int claim_set(struct claim *claim, struct pst_error *error)
{
	_cleanup_(freep) char *names = malloc(XATTR_LIST_MAX);
	struct value self;
	ssize_t len;
	int r = names ? describe_self(claim->fd, &self) : -ENOMEM;

	if (r < 0)
		return error_set(error, r, "source: cannot claim LOWER: %s", strerror(-r));
	snprintf(claim->name, sizeof(claim->name), PREFIX "%016llx",
		 (unsigned long long)hash_bytes(0, &self, sizeof(self)));
	/* It exists if this process has another view of LOWER. */
	if (fsetxattr(claim->fd, claim->name, &self, sizeof(self), XATTR_CREATE) < 0) {
		r = -errno;
		claim->name[0] = '\0';
		return r == -EEXIST ?
			       refuse(&self, &self, NULL, error) :
			       error_set(error, r, "source: cannot claim LOWER: %s", strerror(-r));
	}
	len = flistxattr(claim->fd, names, XATTR_LIST_MAX);
	if (len < 0)
		return error_set(error, -errno, "source: cannot read the attributes of LOWER: %s",
				 strerror(errno));
	return check_others(claim, &self, names, (size_t)len, error);
}

void claim_remove(struct claim *claim)
{
	if (claim->fd >= 0 && claim->name[0])
		fremovexattr(claim->fd, claim->name);
	claim->fd = fd_close(claim->fd);
}
