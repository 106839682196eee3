// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Identity: inside a scope the thread has the wanted identity, and after it exactly the former one,
 * even if entering failed halfway. Needs root.
 */
#include "../test.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fs/creds.h"
#include "fs/fs.h"
#include "util/caps.h"
#include "util/cleanup.h"
#include "util/fd.h"

#define NOBODY 65534

/* The identity of the thread, as the kernel reports it. */
struct identity {
	unsigned int uid, gid; /* for file access */
	uint64_t effective, permitted;
	char groups[64];
};

static struct identity who(void)
{
	struct identity id = { 0 };
	char text[4096], *at;

	assert_true(fd_read_file("/proc/thread-self/status", text, sizeof(text)) > 0);
	at = strstr(text, "\nUid:");
	assert_int_equal(sscanf(at, "\nUid: %*u %*u %*u %u", &id.uid), 1);
	at = strstr(text, "\nGid:");
	assert_int_equal(sscanf(at, "\nGid: %*u %*u %*u %u", &id.gid), 1);
	at = strstr(text, "\nGroups:");
	sscanf(at, "\nGroups:%*[\t ]%63[0-9 ]", id.groups);
	at = strstr(text, "\nCapEff:");
	assert_int_equal(sscanf(at, "\nCapEff: %lx", &id.effective), 1);
	at = strstr(text, "\nCapPrm:");
	assert_int_equal(sscanf(at, "\nCapPrm: %lx", &id.permitted), 1);
	return id;
}

static struct identity before;

static void check_restored(void)
{
	struct identity now = who();

	assert_int_equal(now.uid, before.uid);
	assert_int_equal(now.gid, before.gid);
	assert_int_equal(now.effective, before.effective);
	assert_int_equal(now.permitted, before.permitted);
	assert_string_equal(now.groups, before.groups);
}

/* A serving thread is root, has no other groups, and has only the capabilities that it needs. */
TEST(serving_thread_has_few_capabilities, state)
{
	static const int none[] = {
		CAP_SYS_RESOURCE, CAP_NET_ADMIN, CAP_SYS_MODULE, CAP_SYS_PTRACE,
		CAP_KILL,         CAP_SYS_RAWIO, CAP_SYS_TIME,   CAP_SYS_CHROOT
	};

	assert_int_equal(before.uid, 0);
	assert_int_equal(before.gid, 0);
	assert_string_equal(before.groups, "");
	assert_int_equal(before.effective, before.permitted);
	assert_true(before.effective & CAP_BIT(CAP_DAC_READ_SEARCH));
	for (size_t i = 0; i < N(none); i++)
		assert_false(before.effective & CAP_BIT(none[i]));
}

/* Each row: a caller, and the identity of a thread that acts as this caller. */
TEST(thread_acts_as_caller, state)
{
	static const struct {
		struct fs_caller caller;
		unsigned int uid, gid;
		const char *groups;
	} rows[] = {
		{ { .uid = 0, .gid = 0 }, 0, 0, "" },
		{ { .uid = 1000, .gid = 1000 }, 1000, 1000, "" },
		{ { .uid = 1000, .gid = 0 }, 1000, 0, "" },
		{ { .uid = 0, .gid = 1000 }, 0, 1000, "" },
		{ { .uid = 1000, .gid = 1000, .has_group = true, .group = 50 }, 1000, 1000, "50 " },
		{ { .uid = 1000, .gid = 1000, .has_group = true, .group = 1000 }, 1000, 1000, "" },
		{ { .uid = 0, .gid = 5, .has_group = true, .group = 0 }, 0, 5, "0 " },
		{ { .uid = UINT32_MAX - 1, .gid = UINT32_MAX - 1 },
		  UINT32_MAX - 1,
		  UINT32_MAX - 1,
		  "" },
	};

	for (size_t i = 0; i < N(rows); i++) {
		{
			_cleanup_(creds_leavep) struct creds_scope scope = CREDS_NONE;
			struct identity now;

			assert_int_equal(creds_enter_caller(&rows[i].caller, &scope), 0);
			now = who();
			assert_int_equal(now.uid, rows[i].uid);
			assert_int_equal(now.gid, rows[i].gid);
			assert_string_equal(now.groups, rows[i].groups);
			assert_int_equal(now.permitted, before.permitted);
			/*
			 * Capabilities that override permissions stay, those to change owners do
			 * not.
			 */
			assert_true(now.effective & CAP_BIT(CAP_DAC_OVERRIDE));
			assert_int_equal(!!(now.effective & CAP_BIT(CAP_FSETID)), rows[i].uid == 0);
			assert_int_equal(!!(now.effective & CAP_BIT(CAP_CHOWN)), rows[i].uid == 0);
		}
		check_restored();
	}
}

/* If a step of entering fails, leaving undoes the steps before it. */
TEST(failed_entry_is_undone, state)
{
	static const struct {
		struct fs_caller caller;
		int error;
	} rows[] = {
		{ { .uid = UINT32_MAX, .gid = 1000 }, -EPERM },
		{ { .uid = 1000, .gid = UINT32_MAX }, -EPERM },
		{ { .uid = UINT32_MAX, .gid = UINT32_MAX }, -EPERM },
		{ { .uid = UINT32_MAX, .gid = 7, .has_group = true, .group = 50 }, -EPERM },
		{ { .uid = 1000, .gid = 1000, .has_group = true, .group = UINT32_MAX }, -EINVAL },
	};

	for (size_t i = 0; i < N(rows); i++) {
		{
			_cleanup_(creds_leavep) struct creds_scope scope = CREDS_NONE;

			assert_int_equal(creds_enter_caller(&rows[i].caller, &scope),
					 rows[i].error);
		}
		check_restored();
	}
}

/* Scopes inside a scope that failed, or that was left early. */
TEST(nested_scopes_are_undone, state)
{
	static const struct fs_caller bad = { .uid = UINT32_MAX, .gid = 1000 };
	static const struct fs_caller good = { .uid = 1000, .gid = 1000 };

	for (int i = 0; i < 3; i++) {
		_cleanup_(creds_leavep) struct creds_scope outer = CREDS_NONE;

		assert_int_equal(creds_enter_caller(&bad, &outer), -EPERM);
		creds_leavep(&outer);
		check_restored();
		{
			_cleanup_(creds_leavep) struct creds_scope inner = CREDS_NONE;

			assert_int_equal(creds_enter_caller(&good, &inner), 0);
			assert_int_equal(who().uid, 1000);
		}
		check_restored();
		/* Leaving twice does nothing. */
		creds_leavep(&outer);
		check_restored();
	}
}

TEST(backing_and_stranger_lack_other_privileges, state)
{
	struct identity now;

	for (int keeps = 0; keeps < 2; keeps++) {
		{
			_cleanup_(creds_leavep) struct creds_scope scope = CREDS_NONE;

			assert_int_equal(creds_enter_backing(keeps, &scope), 0);
			now = who();
			assert_int_equal(now.uid, NOBODY);
			assert_int_equal(now.gid, NOBODY);
			assert_true(now.effective & CAP_BIT(CAP_SYS_ADMIN));
			assert_int_equal(!!(now.effective & CAP_BIT(CAP_FSETID)), keeps);
			assert_false(now.effective & CAP_BIT(CAP_SYS_RESOURCE));
			assert_false(now.effective & CAP_BIT(CAP_DAC_OVERRIDE));
			assert_false(now.effective & CAP_BIT(CAP_FOWNER));
		}
		check_restored();
	}
	{
		_cleanup_(creds_leavep) struct creds_scope scope = CREDS_NONE;

		assert_int_equal(creds_enter_stranger(&scope), 0);
		now = who();
		assert_int_equal(now.uid, 0);
		assert_int_equal(now.gid, NOBODY);
		assert_false(now.effective & CAP_BIT(CAP_FSETID));
	}
	check_restored();
	{
		_cleanup_(creds_leavep) struct creds_scope scope = CREDS_NONE;

		assert_int_equal(creds_enter_ordinary(&scope), 0);
		assert_false(caps_have(CAP_SYS_ADMIN));
		assert_true(caps_have(CAP_DAC_READ_SEARCH));
	}
	check_restored();
}

/* Writers: root keeps CAP_FSETID unless the kernel says that the caller lacks it. */
TEST(writer_drops_fsetid_if_caller_lacks_it, state)
{
	static const struct {
		struct fs_caller caller;
		bool kill;
		unsigned int uid;
		bool fsetid;
	} rows[] = {
		{ { .uid = 0 }, false, 0, true },
		{ { .uid = 0 }, true, 0, false },
		{ { .uid = 1000, .gid = 1000 }, false, 1000, false },
		{ { .uid = 1000, .gid = 1000 }, true, 1000, false },
	};

	for (size_t i = 0; i < N(rows); i++) {
		{
			_cleanup_(creds_leavep) struct creds_scope scope = CREDS_NONE;

			assert_int_equal(creds_enter_writer(&rows[i].caller, rows[i].kill,
							    S_IFREG | 06755, 0, &scope),
					 0);
			assert_int_equal(who().uid, rows[i].uid);
			assert_int_equal(caps_have(CAP_FSETID), rows[i].fsetid);
		}
		check_restored();
	}
}

/* A new file belongs to the caller and has the caller's umask, not that of the caller before. */
TEST(new_file_belongs_to_caller, state)
{
	static const struct {
		struct fs_caller caller;
		uint32_t umask, mode;
	} rows[] = {
		{ { .uid = 1000, .gid = 1001 }, 022, 0644 },
		{ { .uid = 1002, .gid = 1003 }, 0, 0666 },
		{ { .uid = 1002, .gid = 1003 }, 077, 0600 },
		{ { .uid = 0, .gid = 0 }, 022, 0644 },
	};
	char path[] = "/tmp/penstock-test-XXXXXX";
	_cleanup_(fd_closep) int dir = -1;
	struct stat st;

	assert_non_null(mkdtemp(path));
	dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (size_t i = 0; i < N(rows); i++) {
		{
			_cleanup_(creds_leavep) struct creds_scope scope = CREDS_NONE;

			creds_umask(rows[i].umask);
			assert_int_equal(creds_enter_caller(&rows[i].caller, &scope), 0);
			assert_int_equal(mknodat(dir, "f", S_IFREG | 0666, 0), 0);
		}
		assert_int_equal(fstatat(dir, "f", &st, 0), 0);
		assert_int_equal(unlinkat(dir, "f", 0), 0);
		assert_int_equal(st.st_uid, rows[i].caller.uid);
		assert_int_equal(st.st_gid, rows[i].caller.gid);
		assert_int_equal(st.st_mode, S_IFREG | rows[i].mode);
	}
	rmdir(path);
}

/* Groups and capabilities of callers, which may have ended. */
TEST(groups_and_capabilities_of_callers_are_read, state)
{
	struct fs_caller self = { .pid = (uint32_t)getpid(), .gid = 12 };
	static const struct fs_caller gone = { .pid = 0x7fffffff, .gid = 12 }, none = { .gid = 12 };

	assert_true(caller_capable(&self, CAP_SETUID));
	assert_false(caller_capable(&self, CAP_SYS_TIME));
	assert_false(caller_capable(&gone, CAP_SETUID));
	assert_false(caller_capable(&none, CAP_SETUID));
	assert_true(caller_in_group(&self, 12));
	assert_false(caller_in_group(&self, 13));
	assert_true(caller_in_group(&gone, 12));
	assert_false(caller_in_group(&gone, 0));
	assert_false(caller_in_group(&none, 13));
}

/* Takes a caller's whole identity. Scopes inside change nothing; leaving restores all of it. */
TEST(whole_identity_disables_inner_scopes, state)
{
	static const struct {
		struct fs_caller caller;
		const char *groups;
		bool capable;
	} rows[] = {
		/* A caller that is not found has no groups and no capabilities. */
		{ { .uid = 1000, .gid = 1001 }, "", false },
		{ { .uid = 1000, .gid = 1001, .has_group = true, .group = 50 }, "50 ", false },
		{ { .uid = 0, .gid = 0 }, "", false },
		{ { .uid = NOBODY, .gid = NOBODY, .unknown = true, .pid = 1 }, "", false },
		/* A caller with another user ID than the thread: kernel code on top of the view. */
		{ { .uid = 1000, .gid = 1001, .pid = 1 }, "", false },
	};
	static const struct fs_caller other = { .uid = 7, .gid = 7 };

	for (size_t i = 0; i < N(rows); i++) {
		fs_serve(&rows[i].caller);
		{
			_cleanup_(creds_leavep) struct creds_scope scope = CREDS_NONE;
			struct identity now;

			assert_int_equal(creds_enter_whole(0, &scope), 0);
			{
				_cleanup_(creds_leavep) struct creds_scope inner = CREDS_NONE;

				assert_int_equal(creds_enter_caller(&other, &inner), 0);
				assert_int_equal(creds_enter_ordinary(&inner), 0);
				assert_int_equal(creds_enter_stranger(&inner), 0);
				assert_int_equal(creds_enter_whole(0, &inner), 0);
			}
			now = who();
			assert_int_equal(now.uid, rows[i].caller.uid);
			assert_int_equal(now.gid, rows[i].caller.gid);
			assert_int_equal(geteuid(), rows[i].caller.uid);
			assert_int_equal(getuid(), 0);
			assert_string_equal(now.groups, rows[i].groups);
			assert_int_equal(!!now.effective, rows[i].capable);
			assert_int_equal(now.permitted, before.permitted);
		}
		assert_int_equal(geteuid(), 0);
		check_restored();
	}
	fs_serve(NULL);
	{
		_cleanup_(creds_leavep) struct creds_scope scope = CREDS_NONE;

		assert_int_equal(creds_enter_whole(0, &scope), 0);
		check_restored();
	}
}

/* A child process with groups and one capability. */
TEST(whole_identity_of_child_process_is_taken, state)
{
	static const gid_t groups[] = { 50, 60, 70 };
	struct fs_caller caller = { .uid = 1000, .gid = 1001 };
	int ready[2], end[2];
	char c;

	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	assert_int_equal(pipe2(end, O_CLOEXEC), 0);
	caller.pid = (uint32_t)fork();
	if (!caller.pid) {
		if (setgroups(3, groups) == 0 && setresgid(1001, 1001, 1001) == 0 &&
		    setresuid(1000, 1000, 1000) == 0)
			write(ready[1], "", 1);
		close(end[1]);
		read(end[0], &c, 1);
		_exit(0);
	}
	close(ready[1]);
	close(end[0]);
	assert_int_equal(read(ready[0], &c, 1), 1);
	fs_serve(&caller);
	{
		_cleanup_(creds_leavep) struct creds_scope scope = CREDS_NONE;
		struct identity now;

		assert_int_equal(creds_enter_whole(0, &scope), 0);
		now = who();
		assert_int_equal(now.uid, 1000);
		assert_int_equal(now.gid, 1001);
		assert_string_equal(now.groups, "50 60 70 ");
		assert_int_equal(now.effective, 0);
	}
	check_restored();
	fs_serve(NULL);
	/* The thread lacks the capability to kill the child. */
	close(end[1]);
	waitpid((pid_t)caller.pid, NULL, 0);
	close(ready[0]);
}

int main(void)
{
	if (geteuid() != 0) {
		printf("changing identity takes root\n");
		return 77;
	}
	if (fs_thread_init() < 0)
		return 1;
	before = who();
	return tests_run(NULL, NULL);
}
