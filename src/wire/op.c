/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "wire/op.h"

static const struct op table[OP_MAX] = {
#define X(NAME, size, names, kind, bits)                                                           \
	[FUSE_##NAME] = { .name = #NAME,                                                           \
			  .arg_size = (size),                                                      \
			  .n_names = (names),                                                      \
			  .data = OP_DATA_##kind,                                                  \
			  .flags = (bits) },
	OP_TABLE(X)
#undef X
};

const struct op *op_find(uint32_t opcode)
{
	return opcode < OP_MAX && table[opcode].name ? &table[opcode] : NULL;
}
