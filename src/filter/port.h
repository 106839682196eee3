/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Everything that the filter core takes from the place where it runs: types, errno, file types and
 * flags, strings (name_is_dots() among them), memory, atomics. This port is for a process. Another
 * place (a kernel module, a test without libc) has a filter/port.h of its own, in a directory that
 * the compiler searches first.
 *
 * Atomics are functions on a struct, because BTF of kernel modules has no _Atomic.
 */
#include "util/name.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

typedef struct {
	uint64_t value;
} port_atomic_u64;

static inline uint64_t port_load(const port_atomic_u64 *n)
{
	return __atomic_load_n(&n->value, __ATOMIC_SEQ_CST);
}

static inline void port_store(port_atomic_u64 *n, uint64_t value)
{
	__atomic_store_n(&n->value, value, __ATOMIC_SEQ_CST);
}

static inline void port_or(port_atomic_u64 *n, uint64_t bits)
{
	__atomic_fetch_or(&n->value, bits, __ATOMIC_SEQ_CST);
}

static inline void port_and(port_atomic_u64 *n, uint64_t bits)
{
	__atomic_fetch_and(&n->value, bits, __ATOMIC_SEQ_CST);
}

/* Replaces *expected by value. Returns false if *n is another number, which *expected is then. */
static inline bool port_replace(port_atomic_u64 *n, uint64_t *expected, uint64_t value)
{
	return __atomic_compare_exchange_n(&n->value, expected, value, false, __ATOMIC_SEQ_CST,
					   __ATOMIC_SEQ_CST);
}

/*
 * Copies what others may write to meanwhile. The compiler reads it once, here: whatever is made of
 * the copy later is made of what was copied.
 */
static inline void port_fetch(void *to, const void *from, size_t size)
{
	memcpy(to, from, size);
	__asm__ volatile("" ::: "memory");
}

/* Reads one number, which others may write to meanwhile, once. */
#define port_read_once(number) (*(const volatile __typeof__(number) *)&(number))

/* Returns zero-filled memory, or NULL. */
static inline void *port_alloc(size_t size)
{
	return calloc(1, size);
}

static inline void port_free(void *memory)
{
	free(memory);
}
