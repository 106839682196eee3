/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The environment of the filter core (src/filter) in the kernel. The comments of src/filter/port.h
 * say what each function has to do.
 */
#ifndef PENSTOCK_FILTER_PORT_H
#define PENSTOCK_FILTER_PORT_H

#include <linux/atomic.h>
#include <linux/compiler.h>
#include <linux/errno.h>
#include <linux/fcntl.h>
#include <linux/limits.h>
#include <linux/slab.h>
#include <linux/stat.h>
#include <linux/string.h>
#include <linux/types.h>
#include <uapi/linux/fs.h>

#define INT64_MAX  S64_MAX
#define UINT32_MAX U32_MAX

static inline bool name_is_dots(const char *name)
{
	return name[0] == '.' && (!name[1] || (name[1] == '.' && !name[2]));
}

typedef struct {
	atomic64_t value;
} port_atomic_u64;

/*
 * The core relies on one order of all these operations (__ATOMIC_SEQ_CST in a process). In the
 * kernel only operations that read and write are ordered with all others, so port_store() is one.
 */
static inline uint64_t port_load(const port_atomic_u64 *n)
{
	return atomic64_read_acquire(&n->value);
}

static inline void port_store(port_atomic_u64 *n, uint64_t value)
{
	atomic64_xchg(&n->value, value);
}

static inline void port_or(port_atomic_u64 *n, uint64_t bits)
{
	atomic64_fetch_or(bits, &n->value);
}

static inline void port_and(port_atomic_u64 *n, uint64_t bits)
{
	atomic64_fetch_and(bits, &n->value);
}

static inline bool port_replace(port_atomic_u64 *n, uint64_t *expected, uint64_t value)
{
	return atomic64_try_cmpxchg(&n->value, (s64 *)expected, value);
}

static inline void port_fetch(void *to, const void *from, size_t size)
{
	memcpy(to, from, size);
	barrier();
}

/* Kernels can be built so that all other variables are zero at first. */
#define port_uninitialized __uninitialized

#define port_read_once(NUMBER) READ_ONCE(NUMBER)

/* Memory counts for the cgroup of the caller. */
static inline void *port_alloc(size_t size)
{
	return kzalloc(size, GFP_KERNEL_ACCOUNT);
}

static inline void port_free(void *memory)
{
	kfree(memory);
}

#endif
