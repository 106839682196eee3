// SPDX-License-Identifier: LGPL-2.1-or-later
/* Members that programs only copy keep random bytes. */
#include "any-call.h"

#include <asm/ioctl.h>
#include <errno.h>
#include <linux/posix_acl.h>
#include <linux/posix_acl_xattr.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define N(array) (sizeof(array) / sizeof((array)[0]))

static uint64_t cells[64];
static unsigned int n_cells;

static struct random *generator(void)
{
	static struct random random;
	static bool started;

	if (!started)
		random = random_start();
	started = true;
	return &random;
}

uint32_t any(uint32_t n)
{
	return random_below(generator(), n);
}

uint64_t any_number(void)
{
	return random_number(generator());
}

/* -- cells ------------------------------------------------------------------------------------- */

void any_call_forget(uint64_t root)
{
	cells[0] = root;
	n_cells = 1;
}

static void learn(uint64_t cell)
{
	for (unsigned int i = 0; i < n_cells; i++)
		if (cells[i] == cell)
			return;
	cells[n_cells < N(cells) ? n_cells++ : 1 + any(N(cells) - 1)] = cell;
}

void any_call_learn(const struct pst_call *call)
{
	learn(call->child.cell);
}

static uint64_t any_cell(void)
{
	return any(5) ? cells[any(n_cells)] : any(2) ? 1 + any(8) : any_number();
}

/* -- names and data ---------------------------------------------------------------------------- */

static void any_name(struct pst_name *name)
{
	static const char *const names[] = {
		".env", "a",   "b",   "src", "x.key", "secret1",      "cz",    "ab.pem",
		"",     "bcd", "xxy", "zz",  "a.key", "user.guarded", "build", "A long name.key",
	};
	uint32_t len = 0;

	if (any(4)) {
		len = (uint32_t)snprintf(name->text, sizeof(name->text), "%s",
					 names[any(N(names))]);
	} else {
		for (len = 0; len < any(300) && len < PST_NAME_SIZE - 1; len++)
			name->text[len] = "abcxyz.*[]k\\e\377"[any(14)];
		name->text[len] = '\0';
	}
	name->len = any(50) ? len : (uint32_t)any_number();
}

static void any_xattr_name(struct pst_name *name)
{
	static const char *const names[] = {
		"system.posix_acl_access",
		"system.posix_acl_access",
		"system.posix_acl_default",
		"security.capability",
		"user.guarded",
		"trusted.x",
	};

	name->len = (uint32_t)snprintf(name->text, sizeof(name->text), "%s", names[any(N(names))]);
}

/* Fills a listing, so that programs for directories have something to do. */
static void any_listing(struct pst_call *call)
{
	bool plus = any(2);
	uint32_t at = 0, head = plus ? FUSE_NAME_OFFSET_DIRENTPLUS : FUSE_NAME_OFFSET;

	call->in.read.read_flags = plus ? PST_READ_PLUS : 0;
	while (at + head + 32 < call->data_size && any(12)) {
		struct fuse_dirent *dirent = (void *)(call->data + at + head - FUSE_NAME_OFFSET);

		dirent->namelen = any(30) ? 1 + any(20) : (uint32_t)any_number();
		dirent->type = any(13);
		at += head + ((dirent->namelen & 31) + 7) / 8 * 8;
	}
	call->data_len = at;
}

static void any_acl(struct pst_call *call)
{
	static const uint16_t tags[] = { ACL_USER_OBJ, ACL_USER, ACL_GROUP_OBJ,
					 ACL_GROUP,    ACL_MASK, ACL_OTHER };
	struct posix_acl_xattr_header *head = (void *)call->data;
	struct posix_acl_xattr_entry *entry = (void *)(head + 1);
	uint32_t n = any(7);

	head->a_version = any(20) ? POSIX_ACL_XATTR_VERSION : 1;
	for (uint32_t i = 0; i < n; i++)
		entry[i] = (struct posix_acl_xattr_entry){
			.e_tag = any(20) ? tags[any(N(tags))] : (uint16_t)any_number(),
			.e_perm = (uint16_t)any(9),
			.e_id = any(8),
		};
	call->data_len = (uint32_t)(sizeof(*head) + n * sizeof(*entry)) + (any(20) ? 0 : any(9));
}

/* Fills lines, some of which have keys. */
static void any_text(struct pst_call *call)
{
	static const char letters[] = "abcKEY=:\n \"'#/0123\t{},[]\\";
	static const char *const lines[] = {
		"KEY=value\n",
		"export B_2 = two words\n",
		"# it's a comment\n",
		"- name: x\n  'quoted key': |\n    more\n",
		"{\n\t\"key\": \"a \\\" b\", \"n\": 12\n}\n",
		"[section]\n",
		"a = \"open\nstill open\"\n",
		"long: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa \\\n  on\n",
		"base64==\n",
		"key:\n  - [a, b]\n",
		"'''\n",
	};
	uint32_t at = 0;

	while (at < call->data_size) {
		const char *line = lines[any(N(lines))];
		size_t len = strlen(line);

		if (any(4) || len > call->data_size - at)
			call->data[at++] = letters[any(sizeof(letters))];
		else
			memcpy(call->data + at, line, len), at += (uint32_t)len;
	}
	call->data_len = any(20) ? any(call->data_size + 1) : (uint32_t)any_number();
}

static void any_names(struct pst_call *call)
{
	for (int i = 0; i < 2; i++)
		any_name(&call->name[i]);
	for (uint32_t i = 0; i < PST_N_LISTED; i++) {
		struct pst_name name = { 0 };

		any_name(&name);
		call->listed[i] = (struct pst_listed){
			.ino = any_number(),
			.mode = any(2) ? S_IFREG : S_IFDIR,
			.len = (uint32_t)strnlen(name.text, PST_LISTED_SIZE - 1),
		};
		memcpy(call->listed[i].text, name.text, PST_LISTED_SIZE - 1);
	}
}

/* -- calls ------------------------------------------------------------------------------------- */

static void any_attr(struct pst_attr *attr)
{
	static const uint32_t types[] = { S_IFREG, S_IFREG, S_IFDIR, S_IFLNK, S_IFIFO, 0 };

	*attr = (struct pst_attr){
		.ino = any_number(),
		.size = any(4) ? any(5000) : any_number(),
		.blocks = any(100),
		.mode = types[any(N(types))] | any(010000),
		.nlink = any(3),
		.uid = any(4),
		.gid = any(4),
		.dev_major = any(3),
		.dev_minor = any(3),
	};
}

static void any_argument(struct pst_call *call)
{
	static const uint32_t commands[] = { _IOW('f', 2, long), _IOR('f', 1, long), 0 };

	switch (call->opcode) {
	case FUSE_SETATTR:
		call->in.setattr.valid = any(1 << 12);
		call->in.setattr.mode = any(2) ? any(010000) : call->node.attr.mode ^ any(0200);
		call->in.setattr.uid = any(5);
		call->in.setattr.gid = any(5);
		break;
	case FUSE_IOCTL:
		call->in.ioctl.cmd = commands[any(N(commands))];
		break;
	case FUSE_READ:
		call->in.read.offset = any(2) ? 0 : any_number();
		break;
	case FUSE_GETXATTR:
	case FUSE_SETXATTR:
	case FUSE_REMOVEXATTR:
		if (any(4))
			any_xattr_name(&call->name[0]);
		if (any(4))
			any_acl(call);
		break;
	case FUSE_READDIR:
		if (any(4))
			any_listing(call);
		break;
	}
}

void any_call(struct pst_call *call, uint32_t opcode, uint32_t data_size)
{
	uint64_t *word = (uint64_t *)call;

	for (size_t i = 0; i < offsetof(struct pst_call, listed) / 8; i++)
		word[i] = any(3) ? any(5) : any_number();
	for (size_t i = 0; i < sizeof(call->out) / 8; i++)
		((uint64_t *)&call->out)[i] = any(3) ? any(5000) : any_number();
	any_names(call);
	call->opcode = opcode;
	call->error = any(3) ? 0 : -(int32_t)any(200);
	call->caller = (struct pst_caller){ any(4), any(4), any(100), 0, any(10) };
	any_attr(&call->node.attr);
	any_attr(&call->child.attr);
	any_attr(&call->replaced);
	any_attr(&call->after.attr);
	call->node.nodeid = any(30);
	call->cell = any_cell();
	call->child.cell = any(2) ? call->cell : any_cell();
	call->cell2 = any_cell();
	call->child.held = any(20) > 0;
	call->child.known = any(2);
	call->n_names = any(3);
	call->n_events = call->delay_us = 0;
	call->data_size = data_size;
	any_text(call);
	any_argument(call);
}
