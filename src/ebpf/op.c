// SPDX-License-Identifier: LGPL-2.1-or-later
/* Operations that programs exist for. Needs no libbpf, and is there without it. */
#include "ebpf/filter.h"

#define OP_NAME(name, opcode) [opcode] = #name,

const char *filter_op_name(uint32_t opcode)
{
	static const char *const names[] = { [FUSE_FORGET] = "forget", PST_OPS(OP_NAME) };

	return opcode < sizeof(names) / sizeof(names[0]) ? names[opcode] : NULL;
}

uint32_t filter_opcode(uint32_t opcode)
{
	switch (opcode) {
	case FUSE_RENAME:
		return FUSE_RENAME2;
	case FUSE_SETLKW:
		return FUSE_SETLK;
	case FUSE_READDIRPLUS:
		return FUSE_READDIR;
	case FUSE_COPY_FILE_RANGE_64:
		return FUSE_COPY_FILE_RANGE;
	default:
		return opcode;
	}
}
