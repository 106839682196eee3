// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * handover LOWER: passes invalid descriptions of filters to the module, with programs that do
 * nothing, and a valid one. Each invalid description belongs to a mount of its own, which must
 * fail. Then the program changes the filters of a view, also with each memory allocation of the
 * change failing; a change that fails must leave the filters as they were. Prints a line for each,
 * and exits with 1 if a result is wrong.
 */
#include "kernel/module-abi.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/mount.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define NAME_PROGRAM 2                  /* FILTER_NAME of src/filter/facts.h */
#define SLOT_SIZE    (5 * 4096 + 65536) /* of the smallest slots that are taken */

/* A description with room for programs and texts. */
struct value {
	union {
		struct module_filter m;
		char bytes[1024];
	};
	size_t size;
};

static const char *lower;
static int failed;

static int bpf(int command, union bpf_attr *attr)
{
	return (int)syscall(SYS_bpf, command, attr, sizeof(*attr));
}

static int new_map(const char *name, unsigned int size, int freeze)
{
	union bpf_attr attr = { .map_type = BPF_MAP_TYPE_ARRAY,
				.key_size = 4,
				.value_size = size,
				.max_entries = 2,
				.map_flags = BPF_F_MMAPABLE };
	int fd;

	strncpy(attr.map_name, name, sizeof(attr.map_name) - 1);
	fd = bpf(BPF_MAP_CREATE, &attr);
	if (fd >= 0 && freeze) {
		memset(&attr, 0, sizeof(attr));
		attr.map_fd = (unsigned int)fd;
		bpf(BPF_MAP_FREEZE, &attr);
	}
	return fd;
}

/* Loads a program that uses a map, if it is not -1, and returns 0. */
static int new_program(unsigned int type, int map)
{
	struct bpf_insn insns[] = {
		{ .code = BPF_LD | BPF_DW | BPF_IMM,
		  .dst_reg = BPF_REG_1,
		  .src_reg = BPF_PSEUDO_MAP_FD,
		  .imm = map },
		{ 0 },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	int skip = map < 0 ? 2 : 0;
	union bpf_attr attr = { .prog_type = type,
				.insns = (unsigned long)(insns + skip),
				.insn_cnt = (unsigned int)(4 - skip),
				.license = (unsigned long)"GPL",
				.prog_flags = type == BPF_PROG_TYPE_SYSCALL ? BPF_F_SLEEPABLE : 0 };

	return bpf(BPF_PROG_LOAD, &attr);
}

static struct value value_of(int program)
{
	struct value v = { .m = { .abi = MODULE_ABI,
				  .filter_abi = PST_FILTER_ABI,
				  .flags = PST_HIDES,
				  .n_programs = 1 } };

	v.m.program[0] = (struct module_program){ .kind = NAME_PROGRAM, .fd = program };
	v.size = sizeof(struct module_filter) + sizeof(struct module_program) + MODULE_N_TEXTS;
	return v;
}

/* Gives values to one mount: the first refusal has to be this error, and then the mount fails. */
static void expect(const char *name, int error, const struct value *values, int n)
{
	int fd = fsopen("penstock", 0), r = 0;

	fsconfig(fd, FSCONFIG_SET_STRING, "lower", lower, 0);
	for (int i = 0; i < n; i++)
		if (fsconfig(fd, FSCONFIG_SET_BINARY, "filter", &values[i].m, (int)values[i].size) <
			    0 &&
		    r == 0)
			r = errno;
	if (r == error && error && fsconfig(fd, FSCONFIG_CMD_CREATE, NULL, NULL, 0) == 0)
		r = -1; /* mounted without the filter */
	else if (r == error && !error && fsconfig(fd, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		r = errno;
	close(fd);
	if (r == error) {
		printf("ok handover-%s\n", name);
		return;
	}
	printf("not ok handover-%s: the result is %d, expected %d\n", name, r, error);
	failed = 1;
}

static void bad_descriptions(const struct value *good)
{
	struct value v = *good;

	v.m.flags = PST_HIDES | PST_EXACT;
	expect("exact", EOPNOTSUPP, &v, 1);
	v = *good;
	v.m.program[0].kind = 3;
	expect("wrong-kind", EINVAL, &v, 1);
	v.m.program[0].kind = 0;
	v.m.program[0].opcode = 64;
	expect("wrong-opcode", EINVAL, &v, 1);
	v.m.program[0].opcode = FUSE_READ;
	expect("operation", EOPNOTSUPP, &v, 1);
	v = *good;
	v.m.n_programs = 2;
	v.m.program[1] = v.m.program[0];
	v.size += sizeof(v.m.program[0]);
	expect("twice", EINVAL, &v, 1);
	v = *good;
	v.size--;
	expect("four-texts", EINVAL, &v, 1);
	v.m.n_programs = 0;
	v.m.program[0] = (struct module_program){ 0 };
	v.size = sizeof(v.m) + MODULE_N_TEXTS;
	expect("no-program", EOPNOTSUPP, &v, 1);
}

/* The module refuses these before it creates a filter, as it does values of other versions. */
static void bad_heads(const struct value *good)
{
	struct value v[2] = { *good, *good };
	int fd = fsopen("penstock", 0), n = 0, n_bad = 0;

	for (int i = 0; i < 4; i++, v[0] = *good) {
		if (i == 0)
			v[0].m.abi++;
		else if (i == 1)
			v[0].m.filter_abi--;
		else if (i == 2)
			v[0].m.n_programs = 0x10000001;
		else
			v[0].size = 7;
		n_bad += fsconfig(fd, FSCONFIG_SET_BINARY, "filter", &v[0].m, (int)v[0].size) < 0 &&
			 errno == EINVAL;
		n++;
	}
	close(fd);
	if (n == n_bad) {
		printf("ok handover-heads\n");
		return;
	}
	printf("not ok handover-heads: %d of %d were taken\n", n - n_bad, n);
	failed = 1;
}

static void bad_programs(const struct value *good)
{
	struct value v[2] = { *good, *good };
	int frozen = new_map("pst_slots", SLOT_SIZE, 1);

	v[0] = value_of(-1);
	expect("no-descriptor", EBADF, v, 1);
	v[0] = value_of(0);
	expect("descriptor-of-a-file", EINVAL, v, 1);
	v[0] = value_of(new_program(BPF_PROG_TYPE_SOCKET_FILTER, frozen));
	expect("other-type", EINVAL, v, 1);
	v[0] = value_of(new_program(BPF_PROG_TYPE_SYSCALL, -1));
	expect("no-slots", EINVAL, v, 1);
	v[0] = value_of(new_program(BPF_PROG_TYPE_SYSCALL, new_map("other", SLOT_SIZE, 1)));
	expect("other-map", EINVAL, v, 1);
	v[0] = value_of(new_program(BPF_PROG_TYPE_SYSCALL, new_map("pst_slots", SLOT_SIZE, 0)));
	expect("not-frozen", EINVAL, v, 1);
	v[0] = value_of(new_program(BPF_PROG_TYPE_SYSCALL, new_map("pst_slots", 4096, 1)));
	expect("small-slots", EINVAL, v, 1);
	v[0] = *good;
	v[1] = value_of(new_program(BPF_PROG_TYPE_SYSCALL, frozen));
	expect("two-maps-of-slots", EINVAL, v, 2);
	/* A mount fails if one of its filters was refused, even if a later filter was accepted. */
	v[0] = value_of(-1);
	v[1] = *good;
	expect("before-a-good-one", EBADF, v, 2);
	/* The version is that of each filter, also of one behind a good one. */
	v[0] = *good;
	v[1] = *good;
	v[1].m.abi++;
	expect("other-version-after-a-good-one", EINVAL, v, 2);
	expect("other-version-alone", EINVAL, v + 1, 1);
}

/* ---- changes of a mounted view ------------------------------------------------------------ */

static int view;

/* Mounts a view nowhere, and lets it know some files. */
static void mount_view(void)
{
	int fd = fsopen("penstock", 0);

	fsconfig(fd, FSCONFIG_SET_STRING, "lower", lower, 0);
	fsconfig(fd, FSCONFIG_CMD_CREATE, NULL, NULL, 0);
	view = fsmount(fd, 0, 0);
	close(fd);
	mkdirat(view, "d", 0755);
	close(openat(view, "d/f", O_CREAT | O_WRONLY, 0644));
	linkat(view, "d/f", view, "d/g", 0);
}

static struct value named(struct value v, const char *name)
{
	char *texts = (char *)&v.m.program[v.m.n_programs];

	memset(texts, 0, (size_t)(v.bytes + sizeof(v.bytes) - texts));
	strcpy(texts, name);
	v.size += strlen(name);
	return v;
}

/*
 * Adds filters (n values), and removes the one with the name gone, if it is not NULL. Returns 0 or
 * an errno. *ret_fd: the context, to close.
 */
static int change_by(int *ret_fd, const char *gone, const struct value *values, int n)
{
	int fd = *ret_fd = fspick(view, "", FSPICK_EMPTY_PATH), r = fd < 0 ? -1 : 0;

	if (r == 0 && gone)
		r = fsconfig(fd, FSCONFIG_SET_STRING, "filter_remove", gone, 0);
	for (int i = 0; i < n && r == 0; i++)
		r = fsconfig(fd, FSCONFIG_SET_BINARY, "filter", &values[i].m, (int)values[i].size);
	if (r == 0)
		r = fsconfig(fd, FSCONFIG_CMD_RECONFIGURE, NULL, NULL, 0);
	return r < 0 ? errno : 0;
}

/* The same, and returns -1 if the module forgets that it has refused a filter. */
static int change(const char *gone, const struct value *values, int n)
{
	int fd, error = change_by(&fd, gone, values, n);

	if (error && n && fsconfig(fd, FSCONFIG_CMD_RECONFIGURE, NULL, NULL, 0) == 0)
		error = -1;
	close(fd);
	return error;
}

/* Returns whether the first filter of the view has this name; "": the view has none. */
static bool has(const char *name)
{
	char path[64], text[256] = "";
	struct stat st;
	int fd;

	fstat(view, &st);
	snprintf(path, sizeof(path), "/proc/fs/penstock/%u:%u/filters", major(st.st_dev),
		 minor(st.st_dev));
	fd = open(path, O_RDONLY);
	if (fd < 0 || read(fd, text, sizeof(text) - 1) < 0)
		return false;
	close(fd);
	text[strcspn(text, "\t")] = '\0';
	return strcmp(text, name) == 0;
}

static void expect_change(const char *name, int error, const char *gone, const struct value *values,
			  int n, const char *left)
{
	int r = change(gone, values, n);

	if (r == error && has(left)) {
		printf("ok change-%s\n", name);
		return;
	}
	printf("not ok change-%s: the result is %d, expected %d\n", name, r, error);
	failed = 1;
}

/* Replaces a filter by another again and again, until each allocation has failed once. */
static void fail_allocations(const struct value *one, const struct value *two)
{
	/* All allocations can fail, also those that may wait; the log stays silent about them. */
	static const char *const settings[][2] = {
		{ "failslab/ignore-gfp-wait", "N" },        { "failslab/verbose", "0" },
		{ "fail_page_alloc/ignore-gfp-wait", "N" }, { "fail_page_alloc/min-order", "0" },
		{ "fail_page_alloc/verbose", "0" },         { "fail_usercopy/verbose", "0" },
	};
	const char *names[] = { "one", "two" };
	int nth = open("/proc/thread-self/fail-nth", O_RDWR), n, n_failed = 0, fd;
	bool injected = nth >= 0;

	for (size_t i = 0; injected && i < sizeof(settings) / sizeof(*settings); i++) {
		char path[128];

		snprintf(path, sizeof(path), "/sys/kernel/debug/%s", settings[i][0]);
		fd = open(path, O_WRONLY);
		if (write(fd, settings[i][1], 1) < 0)
			printf("not ok change-allocations: %s cannot be set\n", path);
		close(fd);
	}
	for (n = 1; injected && n < 300; n++) {
		int from = has("one") ? 0 : 1, r;
		char buf[16] = "";

		snprintf(buf, sizeof(buf), "%d", n);
		pwrite(nth, buf, strlen(buf), 0);
		r = change_by(&fd, names[from], from ? one : two, 1);
		memset(buf, 0, sizeof(buf));
		injected = pread(nth, buf, sizeof(buf) - 1, 0) > 0 && atoi(buf) == 0;
		pwrite(nth, "0", 1, 0);
		close(fd);
		n_failed += r != 0;
		if (!has(names[r ? from : !from]) || (r && r != ENOMEM && r != EFAULT)) {
			printf("not ok change-allocations: allocation %d, result %d\n", n, r);
			failed = 1;
		}
	}
	if (nth >= 0)
		printf("# %d allocations, %d changes failed\n", n - 1, n_failed);
}

static void changes(const struct value *good)
{
	struct value v[2] = { named(*good, "one"), named(*good, "two") }, other;
	int map = new_map("pst_slots", SLOT_SIZE, 1);

	mount_view();
	expect_change("add", 0, NULL, v, 1, "one");
	expect_change("same-name", EEXIST, NULL, v, 1, "one");
	other = named(value_of(new_program(BPF_PROG_TYPE_SYSCALL, map)), "other");
	expect_change("other-slots", EINVAL, NULL, &other, 1, "one");
	expect_change("absent-name", ENOENT, "two", NULL, 0, "one");
	expect_change("two-at-once", EINVAL, "one", (struct value[]){ v[1], v[0] }, 2, "one");
	other = v[1];
	other.m.abi++;
	expect_change("refused-filter", EINVAL, "one", &other, 1, "one");
	expect_change("replace", 0, "one", v + 1, 1, "two");
	expect_change("replace-by-itself", 0, "two", v + 1, 1, "two");
	fail_allocations(v, v + 1);
	expect_change("remove", 0, has("one") ? "one" : "two", NULL, 0, "");
	expect_change("add-to-none", 0, NULL, v, 1, "one");
	close(view);
}

int main(int argc, char **argv)
{
	struct value good[2];

	if (argc != 2)
		return 2;
	lower = argv[1];
	good[0] = value_of(new_program(BPF_PROG_TYPE_SYSCALL, new_map("pst_slots", SLOT_SIZE, 1)));
	if (good[0].m.program[0].fd < 0) {
		printf("not ok handover: cannot load a program: %s\n", strerror(errno));
		return 1;
	}
	good[1] = good[0];
	expect("good", 0, good, 1);
	expect("good-twice", 0, good, 2);
	bad_descriptions(good);
	bad_heads(good);
	bad_programs(good);
	changes(good);
	return failed;
}
