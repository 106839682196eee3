// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * races sticky|names|handles|umask DIR SECONDS: two tasks use one file; neither may see what the
 * other is shown, or a file that goes.
 * races copy FROM TO: copies a file into that of another view.
 * races end DIR: DIR is a view, which is unmounted while a task walks the paths d/d/... in it.
 *
 * sticky: a filter shows user 1001 that user 1000 owns all files, and user 1000 that root does.
 * While user 1001 looks, user 1000 may not remove a file from a sticky directory, set its ACL or
 * its times, or give it another name, nor set an attribute of the directory.
 *
 * names: one task gives a file a second name and removes it, while the other asks for permission,
 * for which the module needs one of the names that the inode has.
 *
 * handles: one task makes a file and removes it, while the other opens it by its handle.
 *
 * umask: a filter gives new files in DIR permissions that the umask takes. While one thread makes
 * such files, the umask holds for files that another thread makes elsewhere, threads have one
 * working directory, and pivot_root(2) changes the root of a task that makes such files.
 *
 * end: a path walk that takes no references is stopped by this task, on the same CPU with a higher
 * priority, which drops the last reference to the view then.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

/* An ACL that lets user 1000 write: its header, and five entries of 8 bytes. */
static const unsigned char acl[] = {
	2, 0,    0,   0,   1,   0,   6,  0, 255, 255, 255, 255, 2,   0,   6,
	0, 0xe8, 3,   0,   0,   4,   0,  4, 0,   255, 255, 255, 255, 16,  0,
	6, 0,    255, 255, 255, 255, 32, 0, 4,   0,   255, 255, 255, 255,
};

static void look(void)
{
	struct stat st;

	for (;;)
		if (stat("f", &st) < 0 || stat(".", &st) < 0)
			_exit(1);
}

static void ask(void)
{
	for (;;)
		if (access("f", R_OK) == 0 || errno != EACCES)
			_exit(errno);
}

/* Starts a task of a user, which ends with this one. */
static pid_t start(void (*work)(void), int uid)
{
	pid_t parent = getpid(), pid = fork();

	if (pid == 0) {
		if (setresgid(uid, uid, uid) < 0 || setresuid(uid, uid, uid) < 0)
			_exit(2);
		/* After the change of the user, which takes it back. */
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(2);
		work();
	}
	return pid;
}

/* Ends a task. Returns true if it had ended already, because something went wrong. */
static bool has_ended(pid_t pid)
{
	int status;

	kill(pid, SIGKILL);
	return waitpid(pid, &status, 0) != pid || !WIFSIGNALED(status);
}

static int remove_it(void)
{
	return unlink("f");
}

static int rename_it(void)
{
	return rename("f", "g");
}

static int set_acl(void)
{
	return setxattr("f", "system.posix_acl_access", acl, sizeof(acl), 0);
}

static int touch_it(void)
{
	return utimensat(AT_FDCWD, "f", NULL, 0);
}

static int link_it(void)
{
	return link("f", "linked");
}

static int set_attribute_of_directory(void)
{
	return setxattr(".", "user.x", "y", 1, 0);
}

static int (*const ways[])(void) = { remove_it, rename_it, set_acl,
				     touch_it,  link_it,   set_attribute_of_directory };

#define N_WAYS (sizeof(ways) / sizeof(ways[0]))

static int sticky(time_t end)
{
	pid_t pid = start(look, 1001);
	int n_bad = 0;

	if (setresuid(1000, 1000, 0) < 0)
		return 1;
	for (unsigned int i = 0; time(NULL) < end && !n_bad; i++) {
		if (ways[i % N_WAYS]() == 0)
			n_bad++, printf("user 1000 was taken for another in way %u\n",
					i % (unsigned int)N_WAYS);
		else if (errno != EPERM && errno != EACCES)
			n_bad++, perror("way");
	}
	return setresuid(0, 0, 0) < 0 || has_ended(pid) || n_bad;
}

static int names(time_t end)
{
	pid_t pid = start(ask, 77);

	while (time(NULL) < end)
		for (int i = 0; i < 100; i++)
			if (link("f", "second") < 0 || unlink("second") < 0)
				return 1;
	return has_ended(pid);
}

/* ---- handles ------------------------------------------------------------------------------- */

static struct {
	struct file_handle h;
	unsigned char room[MAX_HANDLE_SZ];
} * handle; /* shared by both tasks */

/* Errors are those of the lower file system, where ENOMEM is one. */
static void open_by_handle(void)
{
	int dir = open(".", O_RDONLY | O_DIRECTORY);
	struct stat st;

	for (;;) {
		int fd = open_by_handle_at(dir, &handle->h, O_RDONLY);

		if (fd >= 0 && fstat(fd, &st) < 0)
			_exit(1);
		close(fd);
	}
}

static int handles(time_t end)
{
	pid_t pid;
	int id;

	handle = mmap(NULL, sizeof(*handle), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	if (handle == MAP_FAILED)
		return 1;
	handle->h.handle_bytes = MAX_HANDLE_SZ;
	if (name_to_handle_at(AT_FDCWD, "f", &handle->h, &id, 0) < 0)
		return errno != EOPNOTSUPP;
	pid = start(open_by_handle, 0);
	while (time(NULL) < end)
		for (int i = 0; i < 100; i++) {
			if (close(open("h", O_CREAT | O_WRONLY, 0644)) < 0 ||
			    name_to_handle_at(AT_FDCWD, "h", &handle->h, &id, 0) < 0 ||
			    unlink("h") < 0) {
				perror("file with a handle");
				return 1;
			}
		}
	return has_ended(pid);
}

/* ---- umask --------------------------------------------------------------------------------- */

static volatile bool done;
static int view_dir;

/* Makes a file for which the filter takes all bits from the umask. Returns false on an error. */
static bool make_free(void)
{
	struct stat st;
	int fd = openat(view_dir, "free", O_CREAT | O_EXCL | O_WRONLY, 0600);
	bool ok = fd >= 0 && fstat(fd, &st) == 0 && (st.st_mode & 0777) == 0666;

	close(fd);
	return unlinkat(view_dir, "free", 0) == 0 && ok;
}

static void *make_free_until_done(void *aux)
{
	while (!done)
		if (!make_free())
			return aux;
	return NULL;
}

static void make_free_forever(void)
{
	while (make_free())
		;
	_exit(1);
}

/* While the other thread makes files in the view, makes files elsewhere. */
static int other_thread(time_t end)
{
	int fail = 0, n_bad = 0;
	pthread_t thread;
	void *failed;
	char path[100];
	struct stat st;

	if (chdir("/dev/shm") < 0 || pthread_create(&thread, NULL, make_free_until_done, &fail))
		return 1;
	while (time(NULL) < end && !n_bad) {
		int fd = open("masked", O_CREAT | O_EXCL | O_WRONLY, 0666);

		if (fd < 0 || fstat(fd, &st) < 0 || (st.st_mode & 0777) != 0600)
			n_bad++, printf("the umask of another thread was changed\n");
		close(fd);
		unlink("masked");
		if (chdir("/") < 0 || chdir("/dev/shm") < 0)
			n_bad++;
	}
	if (chdir("/tmp") < 0)
		n_bad++;
	usleep(10000);
	done = true;
	if (pthread_join(thread, &failed) || failed)
		n_bad++, printf("the other thread could not make a file\n");
	if (!getcwd(path, sizeof(path)) || strcmp(path, "/tmp") != 0)
		n_bad++, printf("the working directory is %s\n", path);
	return n_bad;
}

static unsigned long long root_of(int proc, pid_t pid)
{
	struct statx st = { 0 };
	char name[50];

	snprintf(name, sizeof(name), "%d/root", pid);
	return statx(proc, name, 0, STATX_MNT_ID, &st) < 0 ? 0 : st.stx_mnt_id;
}

/* While a task makes files in the view, changes the root that it has. */
static int other_root(time_t end)
{
	int proc = open("/proc", O_RDONLY | O_DIRECTORY), ret = 0;
	pid_t pid;

	if (unshare(CLONE_NEWNS) < 0 || mount("", "/", NULL, MS_PRIVATE | MS_REC, NULL) < 0 ||
	    mount("/", "/run", NULL, MS_BIND, NULL) < 0 || chroot("/run") < 0)
		return 1;
	pid = start(make_free_forever, 0);
	while (time(NULL) < end && !ret) {
		if (mount("/", "/run", NULL, MS_BIND, NULL) < 0 ||
		    syscall(SYS_pivot_root, "/run", "/run/tmp") < 0 ||
		    umount2("/tmp", MNT_DETACH) < 0) {
			perror("pivot_root");
			ret = 1;
		}
		usleep(500);
	}
	usleep(10000);
	if (root_of(proc, pid) != root_of(proc, getpid()))
		ret = 1, printf("the task has lost its root\n");
	return has_ended(pid) | ret;
}

static int umasks(time_t end)
{
	time_t now = time(NULL);

	view_dir = open(".", O_RDONLY | O_DIRECTORY);
	umask(077);
	return other_thread(now + (end - now) / 2) || other_root(end);
}

/* ---- the end of a view --------------------------------------------------------------------- */

static int view_fd;
static volatile bool ended;

static void *walk(void *aux)
{
	const struct sched_param none = { 0 };
	struct stat st;

	pthread_setschedparam(pthread_self(), SCHED_OTHER, &none);
	while (fstatat(view_fd, "d/d/d/d/d/d/d/d", &st, 0) == 0)
		;
	ended = true;
	return aux;
}

static int end_view(const char *dir)
{
	const struct sched_param high = { .sched_priority = 1 };
	pthread_t thread;
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(0, &set);
	view_fd = open(dir, O_PATH | O_DIRECTORY);
	if (view_fd < 0 || umount2(dir, MNT_DETACH) < 0 ||
	    sched_setaffinity(0, sizeof(set), &set) < 0 ||
	    sched_setscheduler(0, SCHED_FIFO, &high) < 0 ||
	    pthread_create(&thread, NULL, walk, NULL) != 0)
		return 1;
	/* The walker has looked up all names by then. */
	usleep(100000 + (unsigned int)time(NULL) % 7 * 1300);
	if (ended)
		return 1;
	close(view_fd);
	return pthread_join(thread, NULL) != 0;
}

static int copy(const char *from, const char *to)
{
	int in = open(from, O_RDONLY), out = open(to, O_WRONLY | O_CREAT, 0644);

	return in < 0 || out < 0 || copy_file_range(in, NULL, out, NULL, 4, 0) != 4;
}

int main(int argc, char **argv)
{
	time_t end = time(NULL) + (argc == 4 ? atoi(argv[3]) : 0);

	if (argc == 4 && strcmp(argv[1], "copy") == 0)
		return copy(argv[2], argv[3]);
	if (argc == 3 && strcmp(argv[1], "end") == 0)
		return end_view(argv[2]);
	if (argc != 4 || chdir(argv[2]) < 0)
		return 2;
	return strcmp(argv[1], "umask") == 0  ? umasks(end) :
	       strcmp(argv[1], "sticky") == 0 ? sticky(end) :
	       strcmp(argv[1], "names") == 0  ? names(end) :
						handles(end);
}
