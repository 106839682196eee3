// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Long file handles. No locks: node.c writes a tail before other threads can find its node, and
 * reads a tail while it has a reference to the node or the lock of its chain.
 */
#include "node/tails.h"
#include "node/node.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>

static_assert(FHANDLE_SHORT + TAIL_MIDDLE + TAIL_END == FHANDLE_MAX, "the longest handle fits");

size_t tails_bytes(uint8_t len, size_t n)
{
	if (len <= FHANDLE_SHORT)
		return 0;
	return n * (len <= FHANDLE_SHORT + TAIL_MIDDLE ? TAIL_MIDDLE : TAIL_MIDDLE + TAIL_END);
}

static char *map(int memfd, off_t at, size_t len)
{
	void *p = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, memfd, at);

	return p == MAP_FAILED ? NULL : p;
}

int tails_map(struct tails *tails, int memfd, off_t at, uint32_t max)
{
	*tails = (struct tails){ .memfd = memfd, .at = at, .max = max };
	tails->middle = map(memfd, at, (size_t)max * TAIL_MIDDLE);
	if (tails->middle)
		tails->end = map(memfd, at + (off_t)max * TAIL_MIDDLE, (size_t)max * TAIL_END);
	return tails->end ? 0 : -errno;
}

void tails_unmap(struct tails *tails)
{
	if (tails->middle)
		munmap(tails->middle, (size_t)tails->max * TAIL_MIDDLE);
	if (tails->end)
		munmap(tails->end, (size_t)tails->max * TAIL_END);
}

/* Return the number of bytes of a handle that lie in the first array, and in the second. */
static size_t len_middle(const struct fhandle *fh)
{
	return fh->len < FHANDLE_SHORT + TAIL_MIDDLE ? fh->len - FHANDLE_SHORT : TAIL_MIDDLE;
}

static size_t len_end(const struct fhandle *fh)
{
	return fh->len - FHANDLE_SHORT - len_middle(fh);
}

void tails_put(struct tails *tails, uint32_t index, const struct fhandle *fh)
{
	const uint8_t *tail = fh->bytes + FHANDLE_SHORT;

	memcpy(tails->middle + (size_t)index * TAIL_MIDDLE, tail, len_middle(fh));
	/* Reading a page that was never written would allocate it, so leave `end` alone. */
	if (len_end(fh))
		memcpy(tails->end + (size_t)index * TAIL_END, tail + TAIL_MIDDLE, len_end(fh));
}

void tails_get(const struct tails *tails, uint32_t index, struct fhandle *fh)
{
	uint8_t *tail = fh->bytes + FHANDLE_SHORT;

	memcpy(tail, tails->middle + (size_t)index * TAIL_MIDDLE, len_middle(fh));
	if (len_end(fh))
		memcpy(tail + TAIL_MIDDLE, tails->end + (size_t)index * TAIL_END, len_end(fh));
}

bool tails_equal(const struct tails *tails, uint32_t index, const struct fhandle *fh)
{
	const uint8_t *tail = fh->bytes + FHANDLE_SHORT;

	return memcmp(tails->middle + (size_t)index * TAIL_MIDDLE, tail, len_middle(fh)) == 0 &&
	       (!len_end(fh) || memcmp(tails->end + (size_t)index * TAIL_END, tail + TAIL_MIDDLE,
				       len_end(fh)) == 0);
}

void tails_punch(struct tails *tails, uint32_t first, uint32_t n)
{
	off_t end = tails->at + (off_t)tails->max * TAIL_MIDDLE;

	/* If this fails, the memory stays allocated, which is harmless. */
	fallocate(tails->memfd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
		  tails->at + (off_t)first * TAIL_MIDDLE, (off_t)n * TAIL_MIDDLE);
	fallocate(tails->memfd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
		  end + (off_t)first * TAIL_END, (off_t)n * TAIL_END);
}
