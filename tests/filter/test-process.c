// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Compares filters that run in this process with the same filters in the kernel: all objects of
 * $PENSTOCK_FILTER_PATH, on random calls. After each run the verdict and every byte of the slot
 * must be equal. The maps of both are alike at first, and change in the same way.
 *
 * $FILTER_CALLS is the number of calls for each object and set of options (default: 300).
 * $FILTER_SEED selects other calls. $FILTER_OBJECTS is a pattern for names of objects.
 */
#include "../test.h"
#include "any-call.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <sys/stat.h>

#include "ebpf/filter.h"
#include "util/cleanup.h"

#define DATA_SIZE 8192
#define SLOT_SIZE (sizeof(struct pst_call) + DATA_SIZE)
#define N_SLOTS   3
#define RULES_FD  77 /* in options[] */

/*
 * Options for filters that do nothing or less without. Objects that are not in the list run without
 * options. Chances are whole: the two random numbers would differ.
 */
static const struct {
	const char *name, *options;
} options[] = {
	{ "hide", "names=.env" },
	{ "hide", "names=*.key:*.pem:.env:secret*:[a-c]?*:*x*y*" },
	{ "hide", "paths=/a/b:src/*.key:/b/*/a" },
	{ "hide-for", "names=*.key:a,uid=1-3:1000,gid=0:7" },
	{ "hide-for", "paths=/a,cgroup=5-9" },
	{ "hide-for", "names=[a-c]?*:*x*y*:build,paths=/a/b:src/*.key,gid=0-2" },
	{ "readonly", "" },
	{ "readonly", "names=*.key:a*,paths=/src" },
	{ "readonly", "names=[a-c]?*:*x*y*:.env,paths=/a/b:src/*.key:/b/*/a" },
	{ "readonly-for", "names=*.key:a*,uid=0-2" },
	{ "readonly-for", "names=[!a]z:?.key,paths=/a/b:src/*.key,uid=0:2,gid=0-1" },
	{ "readonly-for", "gid=1-3" },
	{ "mask", "names=*.key:a" },
	{ "mask", "how=values" },
	{ "mask", "how=empty,fill=-,names=?*" },
	{ "mask", "how=values,write=allow,paths=/a" },
	{ "mask", "how=values,names=[a-c]?*:*x*y*:.env,paths=/a/b:src/*.key,fill=." },
	{ "audit", "" },
	{ "audit", "changes_only,uid=0-2" },
	{ "audit", "ops=*xattr:lookup:open" },
	{ "audit", "ops=[a-m]*t*:re?d*:statx,uid=0:2" },
	{ "owner", "uid=7,gid=8,create_uid=1,create_gid=2,chown=ignore" },
	{ "owner", "uid=0,chown=deny" },
	{ "owner", "gid=0,create_gid=1" },
	{ "perms", "show=0640:a+X:g=u" },
	{ "perms", "show=fo-rwx:dg+D,create=go-rw,chmod=u=rwX:og=" },
	{ "map", "users=0/7:1-3/1000:1000/1,groups=+5" },
	{ "map", "users=-1,groups=7/0:0/7,reverse" },
	{ "mirror", "users=0-2:1000" },
	{ "mirror", "users=1,only" },
	{ "changes", "chmod=deny,chmod_x,chown=ignore,delete=deny" },
	{ "changes", "chmod=ignore,chgrp=deny,rename=deny" },
	{ "changes", "chmod=deny,chown=deny,chgrp=ignore,xattr=deny" },
	{ "changes", "chmod=ignore,chmod_x" },
	{ "attr", "ctime_from_mtime,hide_hard_links" },
	{ "fault", "error=ENOSPC,names=*.key:a" },
	{ "fault", "ops=open:*xattr:look*,every=3,after=2" },
	{ "fault", "delay_us=9,count=5,paths=/a/b" },
	{ "fault", "ops=*,shorten=100,every=2" },
	{ "fault", "ops=read:write,error=eio,names=*.key" },
	{ "fault", "ops=[a-w]*t*,names=[a-c]?*:*x*y*:.env,paths=/a/b:src/*.key" },
	{ "fault", "ops=*,torn=512,part=random,jitter_us=9,percent=0.5,seed=3" },
	{ "fault", "ops=write:mk*,torn=0,after_bytes=10k,result=short" },
	{ "quota", "bytes=100000,files=50" },
	{ "quota", "bytes=3000,per=uid" },
	{ "quota", "files=9,per=uid" },
	{ "quota", "bytes=100000,files=500" },
	/* So fast that no request waits, because the time differs between the two. */
	{ "rate", "read=1152921504606846976,write=1152921504606846976" },
	{ "rules", "file=/proc/self/fd/77" },
	{ "rules-mask", "rules=/proc/self/fd/77" },
	{ "rules-owner", "rules=/proc/self/fd/77,chown=ignore" },
	{ "rules-audit", "rules=/proc/self/fd/77" },
	{ "rules-audit", "rules=/proc/self/fd/77,ops=*t*,changes_only" },
	{ "help", "names=*.key:a*:[!x]z,ops=open:s*,paths=/a:src/b*,ids=0:3-9,from=/a,to=/bb/c" },
	{ "bad", "what=data" },
	{ "tag", "id=5,before=13,ops=open:look*" },
	{ "tag", "after=1" },
	{ "data", "what=upper,all" },
	{ "data-change", "read_on=3,read_size=100,read_len=50,upper,grow=4" },
	{ "data-change", "read_instead=9,write_on=1,write_len=70,write_claim=3" },
	{ "short", "ask=10,give=5" },
	{ "shows", "in=create" },
	{ "parity-open", "add=1,drop=2" },
	{ "inodes", "stat" },
	{ "options", "u8=255,s8=-128,u64=7,flag,text=abc,ids=1-5,error=EIO" },
};

static struct filter_slots *in_kernel, *in_process;

/* Makes the file of rules: descriptor RULES_FD. */
static void make_rules(void)
{
	static const char text[] =
		"hide *.key .env secret* [a-c]?\nallow a.key /b/**/x a*\n"
		"readonly /src b*\nwritable *x*y*\ndeny(unlink,exec) a* /a/b\n"
		"mask a* /src/*.key\nmask(values) *b src build\nunmask ab\nmask(empty) x\n"
		"owner 7:8 a*\nowner 9 /src/*/a [!a]*.key\naudit changes\n"
		"audit all b/ [a-c]?*\n";
	int fd = memfd_create("rules", 0);

	assert_true(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	assert_int_equal(dup2(fd, RULES_FD), RULES_FD);
	close(fd);
}

static int make_slots(void **state)
{
	struct pst_error error;

	(void)state;
	make_rules();
	if (filter_slots_new(N_SLOTS, SLOT_SIZE, PST_RUN_FILTERS_KERNEL, &in_kernel, &error) < 0) {
		printf("skipped: %s\n", error.text);
		exit(77);
	}
	assert_int_equal(
		filter_slots_new(N_SLOTS, SLOT_SIZE, PST_RUN_FILTERS_PROCESS, &in_process, &error),
		0);
	return 0;
}

static int free_slots(void **state)
{
	(void)state;
	in_kernel = filter_slots_free(in_kernel);
	in_process = filter_slots_free(in_process);
	return 0;
}

/* -- comparing --------------------------------------------------------------------------------- */

struct pair {
	const char *spec;
	struct filter *kernel, *process;
};

static struct pst_call *slot_of(const struct filter_slots *slots, uint32_t slot)
{
	return (struct pst_call *)((char *)filter_slots_memory(slots) + slot * SLOT_SIZE);
}

static void fail_at(const struct pair *pair, enum filter_kind kind, const char *what,
		    unsigned long long kernel, unsigned long long process)
{
	static const char *const kinds[] = { "pre/", "post/", "name " };
	uint32_t opcode = slot_of(in_process, 1)->opcode;

	fail_msg("%s, %s%s: %s is %llx in the kernel and %llx in the process", pair->spec,
		 kinds[kind], op_filter_name(opcode) ? op_filter_name(opcode) : "", what, kernel,
		 process);
}

static void compare_slots(const struct pair *pair, enum filter_kind kind)
{
	const unsigned char *a = (void *)slot_of(in_kernel, 1), *b = (void *)slot_of(in_process, 1);
	char what[40];

	if (memcmp(a, b, SLOT_SIZE) == 0)
		return;
	for (size_t i = 0; i < SLOT_SIZE; i++)
		if (a[i] != b[i]) {
			snprintf(what, sizeof(what), "byte %zu of the slot", i);
			fail_at(pair, kind, what, a[i], b[i]);
		}
}

/* Runs a program in both places on the same call. Returns whether it could run. */
static void run_both(const struct pair *pair, enum filter_kind kind, uint32_t opcode)
{
	struct pst_ctx ctx = { .slot = 1 };
	int in_k, in_p, r_k, r_p;

	if ((kind == FILTER_NAME || opcode == FUSE_LOOKUP) && any(2)) {
		ctx.first = kind == FILTER_NAME ? 0 : any(PST_N_LISTED);
		ctx.n_listed = 1 + any(PST_N_LISTED - ctx.first);
	}
	memcpy(slot_of(in_kernel, 1), slot_of(in_process, 1), SLOT_SIZE);
	r_k = filter_run(pair->kernel, kind, opcode, &ctx, &in_k);
	r_p = filter_run(pair->process, kind, opcode, &ctx, &in_p);
	if (r_k != r_p)
		fail_at(pair, kind, "the result of the run", (uint32_t)r_k, (uint32_t)r_p);
	if (in_k != in_p)
		fail_at(pair, kind, "the verdict", (uint32_t)in_k, (uint32_t)in_p);
	compare_slots(pair, kind);
	any_call_learn(slot_of(in_process, 1));
}

/* Chooses a program of the filter, and an operation of which it may get a call. */
static void run_any(const struct pair *pair)
{
	const struct filter_facts *facts = filter_facts(pair->process);
	uint64_t ops = facts->ops[FILTER_PRE] | facts->ops[FILTER_POST];
	bool any_op = !ops || (facts->ops[FILTER_NAME] && any(3) == 0);
	uint32_t opcode = any(64);
	enum filter_kind kind;

	while (!op_filter_name(opcode) || !(any_op || ops >> opcode & 1))
		opcode = any(64);
	for (kind = 0; kind < _FILTER_KINDS; kind++) {
		uint32_t program = kind == FILTER_NAME ? 0 : opcode;

		if (!(facts->ops[kind] >> program & 1))
			continue;
		any_call(slot_of(in_process, 1), opcode, DATA_SIZE);
		run_both(pair, kind, program);
	}
}

/* Returns false if the kernel refuses the filter, as it shall refuse some objects. */
static bool compare(const char *spec, uint64_t n)
{
	struct pair pair = { .spec = spec };
	struct pst_error error;

	if (filter_load(spec, in_kernel, &pair.kernel, &error) < 0) {
		if (strstr(error.text, "would do nothing"))
			fail_msg("add options for %s to the list", spec);
		print_message("%s: %.200s\n", spec, error.text);
		return false;
	}
	if (filter_load(spec, in_process, &pair.process, &error) < 0)
		fail_msg("%s: %s", spec, error.text);
	any_call_forget(filter_facts(pair.process)->cell);
	for (uint64_t i = 0; i < n; i++)
		run_any(&pair);
	filter_free(pair.kernel);
	filter_free(pair.process);
	return true;
}

/* Compares an object with each set of options. Returns the number of sets with which it ran. */
static unsigned int compare_object(const char *dir, const char *file, uint64_t n)
{
	char name[64], spec[512];
	unsigned int n_ran = 0, n_sets = 0;

	snprintf(name, sizeof(name), "%.*s", (int)(strlen(file) - strlen(".bpf.o")), file);
	/* The kernel refuses these, some only after a second. */
	if (fnmatch("bad-*", name, 0) == 0 && strcmp(name, "bad-data") != 0)
		return 0;
	if (fnmatch(getenv("FILTER_OBJECTS") ? getenv("FILTER_OBJECTS") : "*", name, 0) != 0)
		return 0;
	for (size_t i = 0; i < N(options); i++)
		if (strcmp(options[i].name, name) == 0) {
			snprintf(spec, sizeof(spec), "%s/%s%s%s", dir, file,
				 *options[i].options ? "," : "", options[i].options);
			n_ran += compare(spec, n);
			n_sets++;
		}
	snprintf(spec, sizeof(spec), "%s/%s", dir, file);
	return n_sets ? n_ran : compare(spec, n);
}

TEST(programs_do_the_same_in_process_and_kernel, state)
{
	_cleanup_(freep) char *dirs = strdup(getenv("PENSTOCK_FILTER_PATH"));
	unsigned int n_ran = 0;
	char *rest = dirs, *dir;

	while ((dir = strsep(&rest, ":"))) {
		DIR *stream = opendir(dir);
		struct dirent *entry;

		while (stream && (entry = readdir(stream)))
			if (fnmatch("*.bpf.o", entry->d_name, 0) == 0)
				n_ran += compare_object(dir, entry->d_name, random_calls(300));
		if (stream)
			closedir(stream);
	}
	print_message("compared %u filters\n", n_ran);
	assert_true(n_ran >= 1);
}

/* -- programs that the verifier refuses -------------------------------------------------------- */

/* Runs all programs of a filter once. Returns the number of runs that have failed. */
static unsigned int run_all(struct filter *filter)
{
	const struct filter_facts *facts = filter_facts(filter);
	unsigned int n_failed = 0;

	for (uint32_t i = 0; i < 64 * _FILTER_KINDS; i++) {
		const struct pst_ctx ctx = { .slot = 1 };
		enum filter_kind kind = i / 64;
		uint32_t opcode = i % 64;
		int verdict, r;

		if (!(facts->ops[kind] >> opcode & 1))
			continue;
		any_call(slot_of(in_process, 1), opcode, DATA_SIZE);
		/* The program "loop" ends at 1. */
		slot_of(in_process, 1)->error = 2;
		r = filter_run(filter, kind, opcode, &ctx, &verdict);
		assert_true(r == 0 || r == -EIO);
		n_failed += r != 0;
	}
	return n_failed;
}

/*
 * In the process no verifier has refused them: they end, and change no slot but their own. The call
 * is random, so some of these programs do nothing wrong in some runs.
 */
TEST(refused_programs_do_no_harm_in_the_process, state)
{
	static const struct {
		const char *name;
		unsigned int rounds;
		bool fails;
	} rows[] = {
		{ "loop", 1, true }, { "paths", 1 },  { "null", 20 }, { "bounds", 20 },
		{ "block", 20 },     { "name", 20 },  { "long", 20 }, { "callback", 20 },
		{ "aux", 20 },       { "stack", 20 },
	};
	char spec[32], others[2][SLOT_SIZE];

	for (size_t i = 0; i < N(rows); i++) {
		struct filter *filter = NULL;
		struct pst_error error;
		unsigned int n_failed = 0;

		snprintf(spec, sizeof(spec), "bad-%s", rows[i].name);
		if (filter_load(spec, in_process, &filter, &error) < 0)
			fail_msg("%s: %s", spec, error.text);
		for (int k = 0; k < 2; k++) {
			memset(slot_of(in_process, 2 * k), 0xa5, SLOT_SIZE);
			memset(others[k], 0xa5, SLOT_SIZE);
		}
		for (unsigned int round = 0; round < rows[i].rounds; round++)
			n_failed += run_all(filter);
		assert_memory_equal(slot_of(in_process, 0), others[0], SLOT_SIZE);
		assert_memory_equal(slot_of(in_process, 2), others[1], SLOT_SIZE);
		assert_true(n_failed || !rows[i].fails);
		filter_free(filter);
	}
}

TEST_MAIN(make_slots, free_slots)
