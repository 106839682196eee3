/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * The environment of the filter core: types, errno, file types and flags, strings (also
 * name_is_dots()), memory, atomics. This port is for a process. A kernel module, or a test without
 * libc, has another filter/port.h in a directory that the compiler searches first.
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

/* Sets *n to value if it is *expected. Else sets *expected to *n and returns false. */
static inline bool port_replace(port_atomic_u64 *n, uint64_t *expected, uint64_t value)
{
	return __atomic_compare_exchange_n(&n->value, expected, value, false, __ATOMIC_SEQ_CST,
					   __ATOMIC_SEQ_CST);
}

/*
 * Copies memory to which programs may write at the same time. The barrier keeps the compiler from
 * reading the memory again later instead of the copy.
 */
static inline void port_fetch(void *to, const void *from, size_t size)
{
	memcpy(to, from, size);
	__asm__ volatile("" ::: "memory");
}

/* Marks a large variable, which has no value until it is assigned one. */
#define port_uninitialized

/* Reads a number once, although programs may write to it at the same time. */
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
