// SPDX-License-Identifier: LGPL-2.1-or-later
/* rate: how long reads and writes wait for those before them. */
#include "direct.h"

/* Runs the programs of a read of `asked` bytes that reads `got`; returns its delay. */
static uint32_t do_read(uint32_t asked, uint32_t got)
{
	struct pst_call *call = direct_call(FUSE_READ);
	uint32_t delay;

	call->in.read.size = asked;
	assert_int_equal(direct_pre(), 0);
	call = direct_again();
	delay = call->delay_us;
	call->data_len = got;
	assert_int_equal(direct_post(), 0);
	return delay;
}

static uint32_t do_write(uint32_t size, uint32_t done, int error)
{
	struct pst_call *call = direct_call(FUSE_WRITE);
	uint32_t delay;

	call->data_len = call->in.write.size = size;
	assert_int_equal(direct_pre(), 0);
	call = direct_again();
	delay = call->delay_us;
	call->out.write.size = done;
	call->error = error;
	direct_post();
	return delay;
}

/* At 1000 bytes a second a byte takes a millisecond; the test itself takes some of the time. */
static void is_about(uint32_t delay_us, uint32_t want_us)
{
	assert_in_range(delay_us, want_us / 2, want_us);
}

TEST(each_read_waits_for_those_before_it, state)
{
	direct_load("rate,read=1000");
	assert_int_equal(do_read(600000, 600000), 0);
	is_about(do_read(600000, 600000), 600000000);
	is_about(do_read(1, 1), 1200000000);
	/* Writes have no limit. */
	assert_int_equal(do_write(1000000, 1000000, 0), 0);
	assert_int_equal(do_write(1000000, 1000000, 0), 0);
}

TEST(bytes_that_were_not_read_or_written_do_not_count, state)
{
	direct_load("rate,read=1000,write=1000");
	assert_int_equal(do_read(131072, 0), 0);
	assert_in_range(do_read(131072, 100000), 0, 1000000);
	is_about(do_read(1, 1), 100000000);
	assert_int_equal(do_write(100000, 0, EIO), 0);
	assert_in_range(do_write(100000, 60000, 0), 0, 1000000);
	is_about(do_write(1, 1, 0), 60000000);
}

TEST_MAIN(direct_setup, direct_teardown)
