// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Fuzzes the checks of what filters leave in a call. The input is read from both ends: from its
 * beginning the requests of a correct kernel, from its end the actions of the programs of two
 * filters on each call. Programs write anywhere in the slot and return any number. The view must
 * answer each request once, in a valid form, leak nothing, and touch nothing outside of LOWER.
 */
#include <errno.h>
#include <string.h>

#include "../engine/fake-filter.h"
#include "fuzz-view.h"

#define MAX_REQUESTS 24

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

/* -- the input ------------------------------------------------------------------------------- */

/* One thread at a time reads the input: the view's worker during a request, else this thread. */
static const uint8_t *front, *back;

static bool at_end(void)
{
	return front >= back;
}

static uint64_t take_front(unsigned int n)
{
	uint64_t value = 0;

	while (n-- && !at_end())
		value = value << 8 | *front++;
	return value;
}

static uint64_t take_back(unsigned int n)
{
	uint64_t value = 0;

	while (n-- && !at_end())
		value = value << 8 | *--back;
	return value;
}

/* -- what programs do ------------------------------------------------------------------------ */

static const char *const texts[] = {
	"..", ".", "", "a/b", "../outside/canary", "/", "a", "new", "user.n", "0123456789",
};

static uint64_t a_number(void)
{
	static const uint64_t numbers[] = {
		0,          1,         2,          4,         255,      511,
		512,        1023,      1024,       4095,      4096,     8192,
		16384,      65535,     65536,      INT32_MAX, 1u << 31, UINT32_MAX - 1,
		UINT32_MAX, INT64_MAX, UINT64_MAX,
	};
	uint8_t pick = (uint8_t)take_back(1);

	if (pick < sizeof(numbers) / sizeof(numbers[0]))
		return numbers[pick];
	return take_back(pick % 8);
}

/* Changes one of the members that are limits or names. */
static void write_member(struct pst_call *call)
{
	struct fuse_dirent *dirent = (struct fuse_dirent *)call->data;
	uint32_t *const members[] = {
		&call->data_len,
		&call->data_size,
		&call->n_names,
		&call->n_events,
		&call->child.held,
		&call->name[0].len,
		&call->opcode,
		(uint32_t *)&call->error,
		&call->delay_us,
		&call->caller.uid,
		&call->caller.gid,
		&call->in.read.size,
		&call->in.write.size,
		&call->in.getxattr.size,
		&call->in.ioctl.out_size,
		&call->in.ioctl.in_size,
		&call->in.setxattr.size,
		&call->in.rename.flags,
		&call->in.mknod.mode,
		&call->in.create.flags,
		&call->out.entry.attr.mode,
		&call->out.attr.attr.mode,
		&call->out.write.size,
		&call->out.open.open_flags,
		&call->out.getxattr.size,
		&dirent->namelen,
		&((struct fuse_direntplus *)call->data)->dirent.namelen,
	};
	uint64_t *const wide[] = {
		&call->node.nodeid,
		&call->node2.nodeid,
		&call->cell,
		&call->child.cell,
		&call->in.read.fh,
		&call->in.read.offset,
		&call->in.setattr.size,
		&call->in.copy.len,
		&call->out.entry.nodeid,
		&call->out.entry.generation,
		&call->out.entry.attr.size,
		&call->out.open.fh,
		&call->out.lseek.offset,
		&call->out.copy.bytes_copied,
		&dirent->off,
	};
	unsigned int n = sizeof(members) / sizeof(members[0]);
	unsigned int pick = (unsigned int)take_back(1) % (n + sizeof(wide) / sizeof(wide[0]));

	if (pick < n)
		*members[pick] = (uint32_t)a_number();
	else
		*wide[pick - n] = a_number();
}

static void write_text(struct pst_call *call)
{
	uint8_t pick = (uint8_t)take_back(1);
	char *at = pick & 0x80 ? call->data : call->name[pick >> 6 & 1].text;
	const char *text = texts[pick % (sizeof(texts) / sizeof(texts[0]))];

	strcpy(at, text);
	if (at == call->data)
		call->data_len = (uint32_t)strlen(text);
}

/* Writes a listing of two names, in the form of the request, with an invented node. */
static void write_listing(struct pst_call *call)
{
	size_t head = call->in.read.read_flags & PST_READ_PLUS ? FUSE_NAME_OFFSET_DIRENTPLUS :
								 FUSE_NAME_OFFSET;

	memset(call->data, 0, 512);
	for (unsigned int i = 0; i < 2; i++) {
		char *at = call->data + i * (head + 8);
		struct fuse_dirent *dirent = (struct fuse_dirent *)(at + head - FUSE_NAME_OFFSET);

		dirent->off = i + 1;
		dirent->namelen = 1;
		dirent->name[0] = (char)('a' + i);
		if (head != FUSE_NAME_OFFSET)
			((struct fuse_direntplus *)at)->entry_out.nodeid = a_number();
	}
	call->data_len = (uint32_t)(2 * (head + 8));
}

/* Changes some bytes anywhere. */
static void write_bytes(struct pst_call *call)
{
	static const struct {
		size_t at, len;
	} parts[] = {
		{ 0, offsetof(struct pst_call, name) },
		{ offsetof(struct pst_call, name), sizeof(call->name) },
		{ offsetof(struct pst_call, in), sizeof(call->in) },
		{ offsetof(struct pst_call, out), 256 },
		{ offsetof(struct pst_call, pad1), sizeof(call->pad1) },
		{ offsetof(struct pst_call, data) - 80, 80 }, /* where requests arrive */
		{ offsetof(struct pst_call, listed), sizeof(call->listed) },
		{ offsetof(struct pst_call, data), 512 },
		{ 0, 0 }, /* anywhere */
	};
	unsigned int pick = (unsigned int)take_back(1) % (sizeof(parts) / sizeof(parts[0]));
	size_t part = parts[pick].len ? parts[pick].len : sizeof(*call) + fake_data_size();
	size_t at = parts[pick].at + take_back(part > 65535 ? 3 : 2) % part;
	size_t room = sizeof(*call) + fake_data_size() - at;
	size_t len = take_back(1);
	uint8_t *memory = (uint8_t *)call + at;

	if (len >= 0xf0)
		len = 64u << (len & 15);
	if (len > room)
		len = room;
	/* Long ones are all alike; short ones say what they are. */
	if (len > 16)
		memset(memory, (int)take_back(1), len);
	for (size_t i = 0; len <= 16 && i < len; i++)
		memory[i] = (uint8_t)take_back(1);
}

/* Limits the disk space that requests may use. */
static void limit(struct pst_call *call, uint32_t opcode)
{
	if (opcode == FUSE_FALLOCATE) {
		call->in.fallocate.offset %= 65536;
		call->in.fallocate.length %= 65536;
	}
}

static int run(struct pst_call *call)
{
	uint32_t opcode = call->opcode;
	uint8_t what;

	if (view_quiet || at_end())
		return PST_PASS;
	what = (uint8_t)take_back(1);
	for (unsigned int i = 0; i < (what & 3); i++) {
		switch (take_back(1) % 5) {
		case 0:
		case 1:
			write_member(call);
			break;
		case 2:
			write_text(call);
			break;
		case 3:
			write_listing(call);
			break;
		default:
			write_bytes(call);
		}
	}
	limit(call, opcode);
	switch (what >> 2 & 15) {
	case 0:
	case 1:
		return PST_DONE;
	case 2:
		return -ENOENT;
	case 3:
		return -(int)take_back(2);
	case 4:
		return (int)a_number();
	case 5:
		return FAKE_NOT_RUN;
	default:
		return PST_PASS;
	}
}

/* -- the view -------------------------------------------------------------------------------- */

#define BOTH(name, opcode, facts) { FILTER_PRE, opcode, run }, { FILTER_POST, opcode, run },
#define POST(name, opcode, facts) { FILTER_POST, opcode, run },

static const struct fake_program all[] = { PST_OPS(BOTH){ FILTER_NAME, 0, run }, { 0 } };
/* Without a pre program the engine does not read the request back from the call. */
static const struct fake_program posts[] = { PST_OPS(POST){ 0 } };

static const struct fake fakes[] = {
	{ .name = "all", .flags = PST_CELLS | PST_WANT_CHILD | PST_WANT_ATTR, .programs = all },
	{ .name = "posts", .programs = posts },
};

static void start(void)
{
	static bool started;

	if (started)
		return;
	started = true;
	for (size_t i = 0; i < sizeof(fakes) / sizeof(fakes[0]); i++)
		fake_register(&fakes[i]);
	view_start((const char *const[]){ "all", "posts", NULL });
}

#define OPCODE(name, opcode, facts) opcode,

static struct view_request next_request(void)
{
	static const uint8_t opcodes[] = { PST_OPS(OPCODE) FUSE_READDIRPLUS,
					   FUSE_RENAME,
					   FUSE_COPY_FILE_RANGE_64,
					   FUSE_LOOKUP,
					   FUSE_OPEN,
					   FUSE_OPENDIR };
	struct view_request r = {
		.opcode = opcodes[take_front(1) % sizeof(opcodes)],
		.node = (unsigned int)take_front(1),
	};
	uint8_t more = (uint8_t)take_front(1);

	r.name = more & 15;
	r.handle = r.node2 = more >> 4;
	if (more & 8) {
		r.name2 = (unsigned int)take_front(1);
		r.flags = (uint32_t)take_front(2);
		r.mode = r.flags >> 4;
	}
	r.size = more & 0x80 ? (uint32_t)take_front(2) : 4096;
	r.off = more & 0x40 ? take_front(2) : 0;
	return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	start();
	front = bytes;
	back = bytes + len;
	for (int i = 0; i < MAX_REQUESTS && !at_end(); i++) {
		struct view_request request = next_request();

		view_call(&request);
	}
	front = back;
	view_settle();
	return 0;
}
