/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Decodes the words of a section with programs into the instructions of the machine. */
#include "machine/insn.h"

#include <penstock/penstock.h>
#include <stddef.h>

struct bpf_insn;

/* Marks the words that a relocation has filled; the others of these kinds are refused. */
enum decode_mark {
	DECODE_PLAIN,
	DECODE_ADDRESS, /* a constant of two words: the number is in the words' imm */
	DECODE_CALL,    /* a call: imm is the target's distance from the next word */
};

/*
 * Decodes n words into ret_code[0..n), and sets ret_code[n] to an instruction that fails. marks has
 * a byte for each word (enum decode_mark). section is for errors. Returns 0, or -EINVAL and *error.
 */
int decode_section(const struct bpf_insn *words, const uint8_t *marks, size_t n,
		   const char *section, struct insn *ret_code, struct pst_error *error);
