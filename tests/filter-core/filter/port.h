/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * The port of the filter core for tests/filter-core, without libc and without the headers of the
 * kernel: it includes only headers of the compiler.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EPERM        1
#define ENOENT       2
#define EIO          5
#define ENOMEM       12
#define EACCES       13
#define EXDEV        18
#define EINVAL       22
#define ENAMETOOLONG 36
#define ENOSYS       38
#define EOPNOTSUPP   95

#define S_IFMT        0170000
#define S_IFDIR       0040000
#define S_IFREG       0100000
#define S_IFLNK       0120000
#define S_ISDIR(mode) (((mode)&S_IFMT) == S_IFDIR)

#define O_EXCL           00000200
#define O_TRUNC          00001000
#define RENAME_NOREPLACE (1 << 0)
#define RENAME_EXCHANGE  (1 << 1)

void *memchr(const void *memory, int byte, size_t size);
int memcmp(const void *a, const void *b, size_t size);
void *memcpy(void *to, const void *from, size_t size);
void *memmove(void *to, const void *from, size_t size);
void *memset(void *to, int byte, size_t size);
char *strchr(const char *text, int byte);
size_t strlen(const char *text);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t size);
size_t strnlen(const char *text, size_t size);

static inline bool name_is_dots(const char *name)
{
	return name[0] == '.' && (!name[1] || (name[1] == '.' && !name[2]));
}

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

static inline bool port_replace(port_atomic_u64 *n, uint64_t *expected, uint64_t value)
{
	return __atomic_compare_exchange_n(&n->value, expected, value, false, __ATOMIC_SEQ_CST,
					   __ATOMIC_SEQ_CST);
}

static inline void port_fetch(void *to, const void *from, size_t size)
{
	memcpy(to, from, size);
	__asm__ volatile("" ::: "memory");
}
#define port_uninitialized
#define port_read_once(number) (*(const volatile __typeof__(number) *)&(number))

/* The test counts allocations, and makes them fail. */
void *port_alloc(size_t size);
void port_free(void *memory);
