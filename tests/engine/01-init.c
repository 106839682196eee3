// SPDX-License-Identifier: LGPL-2.1-or-later
/* The INIT handshake of a connection, and connections that do not begin with INIT. */
#include "kernel.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "util/cleanup.h"
#include "util/fd.h"

static const struct init_request wanted = { .max_write = 65536, .max_background = 12 };

/* One end of a socket pair; the other end is a channel of the server. */
struct pair {
	struct k_chan kernel;
	struct chan *chan;
};

static void pair_new(struct pair *pair)
{
	int fds[2];

	*pair = (struct pair){ 0 };
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds), 0);
	pair->kernel.fd = fds[0];
	assert_int_equal(chan_sock_new(fds[1], &pair->chan), 0);
}

static void pair_free(struct pair *pair)
{
	fd_close(pair->kernel.fd);
	chan_free(pair->chan);
}

static uint64_t send_init(struct pair *pair, uint32_t major, uint32_t minor)
{
	struct fuse_init_in in = {
		.major = major, .minor = minor, .flags = UINT32_MAX, .flags2 = UINT32_MAX
	};

	return k_send(&pair->kernel, K_REQUEST(FUSE_INIT, 0, &in));
}

TEST(init_is_answered_with_negotiated_values, state)
{
	struct init_negotiated negotiated;
	struct fuse_init_out out;
	struct k_answer answer;
	struct pair pair;
	uint64_t unique;

	pair_new(&pair);
	unique = send_init(&pair, 7, 40);
	assert_int_equal(server_answer_init(pair.chan, &wanted, &negotiated, NULL), 0);
	assert_int_equal(k_wait(&pair.kernel, unique, &answer), 0);
	assert_int_equal(answer.len, sizeof(out));
	memcpy(&out, answer.data, sizeof(out));
	assert_int_equal(out.major, 7);
	assert_int_equal(out.max_write, 65536);
	assert_int_equal(negotiated.minor, 40);
	assert_int_equal(out.flags | (uint64_t)out.flags2 << 32, negotiated.features);
	pair_free(&pair);
}

/* A newer kernel sends INIT again, with the major version that the server replied. */
TEST(newer_kernel_negotiates_again, state)
{
	struct init_negotiated negotiated;
	struct k_answer answer;
	struct pair pair;
	uint64_t first, second;

	pair_new(&pair);
	first = send_init(&pair, 8, 1);
	second = send_init(&pair, 7, 60);
	assert_int_equal(server_answer_init(pair.chan, &wanted, &negotiated, NULL), 0);
	assert_int_equal(k_wait(&pair.kernel, first, &answer), 0);
	assert_int_equal(((struct fuse_init_out *)answer.data)->major, 7);
	assert_int_equal(k_wait(&pair.kernel, second, &answer), 0);
	assert_int_equal(negotiated.minor, 60);
	pair_free(&pair);
}

TEST(older_kernel_is_refused, state)
{
	static const uint32_t minors[] = { 0, 8, 23, 31, 36 };

	for (size_t i = 0; i < N(minors); i++) {
		struct init_negotiated negotiated;
		struct pst_error error;
		struct k_answer answer;
		struct pair pair;
		uint64_t unique;

		pair_new(&pair);
		unique = send_init(&pair, 7, minors[i]);
		assert_true(server_answer_init(pair.chan, &wanted, &negotiated, &error) < 0);
		assert_non_null(strstr(error.text, "older"));
		assert_true(k_wait(&pair.kernel, unique, &answer) < 0);
		pair_free(&pair);
	}
}

/* The connection begins with another request, so the other end is no kernel. */
TEST(first_request_other_than_init_is_refused, state)
{
	static const struct {
		struct fuse_in_header head;
		size_t len;
	} rows[] = {
		{ { .len = 40, .opcode = FUSE_STATFS, .unique = 2 }, 40 },
		{ { .len = 40, .opcode = FUSE_INIT, .unique = 2 }, 40 },
		{ { .len = 41, .opcode = FUSE_INIT, .unique = 2 }, 40 },
		{ { .len = 40, .opcode = 4242, .unique = 2 }, 40 },
		{ { .len = 40, .opcode = FUSE_INIT, .unique = 2 }, 17 },
	};

	for (size_t i = 0; i < N(rows); i++) {
		struct init_negotiated negotiated;
		struct pst_error error;
		struct pair pair;

		pair_new(&pair);
		k_send_raw(&pair.kernel, &rows[i].head, rows[i].len);
		assert_int_equal(server_answer_init(pair.chan, &wanted, &negotiated, &error),
				 -EPROTO);
		pair_free(&pair);
	}
}

TEST(closed_connection_fails_the_handshake, state)
{
	struct init_negotiated negotiated;
	struct pst_error error;
	struct pair pair;

	pair_new(&pair);
	pair.kernel.fd = fd_close(pair.kernel.fd);
	assert_int_equal(server_answer_init(pair.chan, &wanted, &negotiated, &error), -EPROTO);
	pair_free(&pair);
	/* The kernel closes the connection right after INIT, so the reply cannot be sent. */
	pair_new(&pair);
	send_init(&pair, 7, 44);
	pair.kernel.fd = fd_close(pair.kernel.fd);
	assert_int_equal(server_answer_init(pair.chan, &wanted, &negotiated, &error), -EPROTO);
	pair_free(&pair);
}

/* A second INIT gets the same error as an unknown operation. */
K_TEST(second_init_fails_with_enosys, state)
{
	struct kernel *k = k_start(&(struct k_options){ .nodes = K_NODES(state) });
	struct fuse_init_in in = { .major = 7, .minor = 44, .flags = UINT32_MAX };
	struct k_request request = *K_REQUEST(FUSE_INIT, 0, &in);
	struct k_answer answer;

	assert_int_equal(k_call(&k->chans[0], &request, &answer), -ENOSYS);
	k_sync(&k->chans[0]);
	k_stop(k);
}

/* A view that gets no request starts and ends. */
K_TEST(unused_view_starts_and_ends, state)
{
	for (unsigned int n_chans = 1; n_chans <= K_MAX_CHANS; n_chans++) {
		struct kernel *k = k_start(&(struct k_options){
			.nodes = K_NODES(state), .n_chans = n_chans, .no_pool = n_chans == 2 });

		k_expect_left(k, 0, 1);
		k_stop(k);
	}
}

TEST_MAIN(NULL, NULL)
