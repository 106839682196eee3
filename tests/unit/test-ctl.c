// SPDX-License-Identifier: LGPL-2.1-or-later
/* Both ends of the control socket: the protocol, and clients that send malformed or no requests. */
#include "../test.h"

#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "ctl/client.h"
#include "ctl/server.h"
#include "ctl/socket.h"
#include "util/cleanup.h"
#include "util/fd.h"
#include "util/log.h"

enum {
	WAIT_MS = 5000,
};

struct fixture {
	char directory[64];
	char path[CTL_PATH_MAX];
	struct ctl_server *server;
	_Atomic int taken_fd; /* what the verb "take" has taken; -1: nothing */
};

static _Atomic int n_slow;
static _Atomic bool slow_may_end;

static int run_echo(struct ctl_call *call)
{
	struct json_object *text = NULL;

	if (!json_object_object_get_ex(call->request, "text", &text))
		return -EINVAL;
	json_object_object_add(call->reply, "text", json_object_get(text));
	return 0;
}

static int run_fail(struct ctl_call *call)
{
	error_set(&call->error, -EBUSY, "as you wish");
	return -EBUSY;
}

/* Replies with more than a socket's buffer can hold. */
static int run_long(struct ctl_call *call)
{
	_cleanup_(freep) char *text = malloc(1 << 20);

	memset(text, 'x', 1 << 20);
	json_object_object_add(call->reply, "text", json_object_new_string_len(text, 1 << 20));
	return 0;
}

/* Writes the verb's own lines to a connection that it has taken over. */
static int take_connection(struct ctl_call *call, int fd)
{
	*(_Atomic int *)call->aux = fd;
	assert_int_equal(fcntl(fd, F_SETFL, 0), 0);
	for (int i = 0; i < 3; i++)
		assert_int_equal(dprintf(fd, "{\"line\":%d}\n", i), 11);
	return 0;
}

static int refuse_connection(struct ctl_call *call, int fd)
{
	fd_close(fd);
	error_set(&call->error, -EBUSY, "not today");
	return -EBUSY;
}

static int run_take(struct ctl_call *call)
{
	call->take = take_connection;
	return 0;
}

static int run_take_fail(struct ctl_call *call)
{
	call->take = refuse_connection;
	return 0;
}

/* A verb that fails must not take over its connection. */
static int run_fail_take(struct ctl_call *call)
{
	call->take = take_connection;
	return -EBUSY;
}

/* Runs until the fixture lets it end. */
static int run_slow(struct ctl_call *call)
{
	n_slow++;
	while (!slow_may_end)
		usleep(1000);
	return 0;
}

/* Takes as long as a verb that looks at many nodes. */
static int run_busy(struct ctl_call *call)
{
	(void)call;
	usleep(10000);
	return 0;
}

static int run_named(struct ctl_call *call)
{
	json_object_object_add(call->reply, "name", json_object_new_string(call->texts[0]));
	return 0;
}

static const struct ctl_verb verbs[] = {
	{ "slow", run_slow, .slow = true },
	{ "busy", run_busy },
	{ "named", run_named, { "name" } },
	{ "take", run_take },
	{ "take-fail", run_take_fail },
	{ "fail-take", run_fail_take },
	{ "echo", run_echo },
	{ "fail", run_fail },
	{ "long", run_long },
};

static void start(struct fixture *fixture)
{
	struct ctl_server_options options = {
		.path = fixture->path,
		.verbs = verbs,
		.n_verbs = N(verbs),
		.aux = &fixture->taken_fd,
	};

	fixture->taken_fd = -1;
	assert_int_equal(ctl_server_start(&options, &fixture->server), 0);
}

static int set_up(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	strcpy(fixture->directory, "/tmp/penstock-test-XXXXXX");
	if (!mkdtemp(fixture->directory))
		return -1;
	snprintf(fixture->path, sizeof(fixture->path), "%s/run/1.sock", fixture->directory);
	start(fixture);
	*state = fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;
	char run[CTL_PATH_MAX];

	ctl_server_stop(fixture->server);
	fd_close(fixture->taken_fd);
	unlink(fixture->path);
	snprintf(run, sizeof(run), "%s/run", fixture->directory);
	rmdir(run);
	rmdir(fixture->directory);
	free(fixture);
	return 0;
}

static int open_client(struct fixture *fixture)
{
	int fd = ctl_socket_connect(fixture->path);

	assert_true(fd >= 0);
	return fd;
}

/* Calls "echo" and expects the text in the reply, which shows that the server is alive. */
static void expect_echo(int fd, const char *text)
{
	struct json_object *arguments = json_object_new_object(), *reply = NULL, *answer = NULL;

	json_object_object_add(arguments, "text", json_object_new_string(text));
	assert_int_equal(ctl_client_call(fd, "echo", arguments, WAIT_MS, &reply), 0);
	assert_null(ctl_reply_error(reply));
	assert_true(json_object_object_get_ex(reply, "text", &answer));
	assert_string_equal(json_object_get_string(answer), text);
	json_object_put(reply);
	json_object_put(arguments);
}

static void expect_alive(struct fixture *fixture)
{
	_cleanup_(fd_closep) int fd = open_client(fixture);

	expect_echo(fd, "still here");
}

/* Reads one line. */
static void receive(int fd, char *answer, size_t size)
{
	struct pollfd poll_fd = { fd, POLLIN, 0 };
	size_t n = 0;

	while (n + 1 < size) {
		assert_int_equal(poll(&poll_fd, 1, WAIT_MS), 1);
		assert_int_equal(recv(fd, answer + n, 1, 0), 1);
		if (answer[n++] == '\n')
			break;
	}
	answer[n] = '\0';
}

/* Sends these bytes and reads one line of the reply. */
static void exchange(int fd, const char *bytes, size_t len, char *answer, size_t size)
{
	assert_int_equal(send(fd, bytes, len, MSG_NOSIGNAL), len);
	receive(fd, answer, size);
}

TEST_F(call_returns_reply_or_error_of_verb, state)
{
	_cleanup_(fd_closep) int fd = open_client(*state);
	struct json_object *reply = NULL, *number = NULL;

	expect_echo(fd, "one");
	expect_echo(fd, "a line\nin two \"quoted\" / \\ parts");

	assert_int_equal(ctl_client_call(fd, "fail", NULL, WAIT_MS, &reply), 0);
	assert_string_equal(ctl_reply_error(reply), "as you wish");
	assert_true(json_object_object_get_ex(reply, "errno", &number));
	assert_int_equal(json_object_get_int(number), EBUSY);
	json_object_put(reply);

	assert_int_equal(ctl_client_call(fd, "echo", NULL, WAIT_MS, &reply), 0);
	assert_string_equal(ctl_reply_error(reply), strerror(EINVAL));
	json_object_put(reply);

	assert_int_equal(ctl_client_call(fd, "sing", NULL, WAIT_MS, &reply), 0);
	assert_string_equal(ctl_reply_error(reply), "there is no verb \"sing\"");
	json_object_put(reply);
	expect_echo(fd, "two");
}

/* Each row: a line, and a part of the reply. The connection stays open. */
TEST_F(malformed_line_is_refused_and_connection_survives, state)
{
	static const struct {
		const char *line, *answer;
	} rows[] = {
		{ "\n", "one JSON object" },
		{ "hello\n", "one JSON object" },
		{ "12\n", "one JSON object" },
		{ "null\n", "one JSON object" },
		{ "[]\n", "one JSON object" },
		{ "{\n", "one JSON object" },
		{ "{\"version\":1,\"verb\":\"echo\"} trailing\n", "one JSON object" },
		{ "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\n", "one JSON object" },
		{ "{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{"
		  "\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":1}}}}}}}}}}}}}}}}}\n",
		  "one JSON object" },
		{ "{}\n", "version 1" },
		{ "{\"version\":2,\"verb\":\"echo\"}\n", "version 1" },
		{ "{\"version\":\"x\",\"verb\":\"echo\"}\n", "version 1" },
		{ "{\"version\":1}\n", "no verb" },
		{ "{\"version\":1,\"verb\":7}\n", "no verb" },
		{ "{\"version\":1,\"verb\":\"\"}\n", "there is no verb" },
		{ "\xff\xfe\x80\n", "one JSON object" },
		{ "{\"version\":1,\"verb\":\"echo\",\"text\":\"ok\"} \r\n", "\"text\":\"ok\"" },
	};
	_cleanup_(fd_closep) int fd = open_client(*state);
	char answer[512];

	for (size_t i = 0; i < N(rows); i++) {
		exchange(fd, rows[i].line, strlen(rows[i].line), answer, sizeof(answer));
		if (!strstr(answer, rows[i].answer))
			fail_msg("%s is answered with %s", rows[i].line, answer);
	}
	exchange(fd, "a\0b\n", 4, answer, sizeof(answer));
	assert_non_null(strstr(answer, "one JSON object"));
	expect_echo(fd, "after all that");
}

/* One request arrives in pieces, and several arrive together. */
TEST_F(requests_may_arrive_in_pieces_or_together, state)
{
	static const char line[] = "{\"version\":1,\"verb\":\"echo\",\"text\":1}\n";
	_cleanup_(fd_closep) int fd = open_client(*state);
	char answer[512];

	for (size_t i = 0; i + 2 < sizeof(line); i++) {
		assert_int_equal(send(fd, line + i, 1, 0), 1);
		usleep(200);
	}
	exchange(fd, "\n", 1, answer, sizeof(answer));
	assert_non_null(strstr(answer, "\"text\":1"));

	exchange(fd,
		 "{\"version\":1,\"verb\":\"echo\",\"text\":1}\n"
		 "{\"version\":1,\"verb\":\"echo\",\"text\":2}\n"
		 "{\"version\":1,",
		 87, answer, sizeof(answer));
	assert_non_null(strstr(answer, "\"text\":1"));
	exchange(fd, "\"verb\":\"echo\",\"text\":3}\n", 25, answer, sizeof(answer));
	assert_non_null(strstr(answer, "\"text\":2"));
	exchange(fd, "", 0, answer, sizeof(answer));
	assert_non_null(strstr(answer, "\"text\":3"));
}

/*
 * Sends a mebibyte without a newline: the server refuses it after CTL_LINE_MAX and closes the
 * connection.
 */
TEST_F(endless_line_is_refused_and_client_disconnected, state)
{
	_cleanup_(fd_closep) int fd = open_client(*state);
	_cleanup_(freep) char *bytes = malloc(1 << 20);
	char answer[256] = "";
	size_t sent = 0;

	memset(bytes, 'a', 1 << 20);
	while (sent < 1 << 20) {
		struct pollfd poll_fd = { fd, POLLOUT, 0 };
		ssize_t n = send(fd, bytes + sent, (1 << 20) - sent, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0 && errno != EAGAIN)
			break;
		if (n < 0)
			assert_int_equal(poll(&poll_fd, 1, WAIT_MS), 1);
		sent += n > 0 ? n : 0;
	}
	assert_true(sent < 1 << 20);
	assert_true(recv(fd, answer, sizeof(answer) - 1, MSG_DONTWAIT) > 0);
	assert_non_null(strstr(answer, "too long"));
	expect_alive(*state);
}

/*
 * One client sends nothing, one stops within a request, one never reads: the server still serves
 * others.
 */
TEST_F(silent_clients_do_not_block_others, state)
{
	_cleanup_(fd_closep) int silent = open_client(*state);
	_cleanup_(fd_closep) int half = open_client(*state);
	_cleanup_(fd_closep) int deaf = open_client(*state);
	static const char line[] = "{\"version\":1,\"verb\":\"long\"}\n";

	assert_int_equal(send(half, "{\"version\"", 10, 0), 10);
	for (int i = 0; i < 2000; i++) {
		if (send(deaf, line, sizeof(line) - 1, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
			break;
	}
	expect_alive(*state);
	expect_echo(silent, "I can speak");
}

TEST_F(reply_larger_than_socket_buffer_arrives_whole, state)
{
	_cleanup_(fd_closep) int fd = open_client(*state);
	struct json_object *reply = NULL, *text = NULL;

	for (int i = 0; i < 4; i++) {
		assert_int_equal(ctl_client_call(fd, "long", NULL, WAIT_MS, &reply), 0);
		assert_true(json_object_object_get_ex(reply, "text", &text));
		assert_int_equal(json_object_get_string_len(text), 1 << 20);
		json_object_put(reply);
	}
}

/* More clients connect than the server has places; new clients are served. */
TEST_F(client_beyond_the_limit_is_served, state)
{
	int fds[100];

	for (size_t i = 0; i < 100; i++)
		fds[i] = open_client(*state);
	expect_echo(fds[99], "the last");
	expect_alive(*state);
	for (size_t i = 0; i < 100; i++)
		fd_close(fds[i]);
	expect_alive(*state);
}

/* A new client takes the place of the client that was silent for longest, not of the newest one. */
TEST_F(new_client_replaces_longest_silent_one, state)
{
	int silent[16], fds[8];

	for (size_t i = 0; i < 16; i++)
		silent[i] = open_client(*state);
	for (size_t i = 0; i < 8; i++)
		fds[i] = open_client(*state);
	expect_alive(*state);
	for (size_t i = 0; i < 8; i++) {
		expect_echo(fds[i], "new");
		fd_close(fds[i]);
	}
	for (size_t i = 0; i < 16; i++)
		fd_close(silent[i]);
}

/* Several clients of a burst share each place, one after the other; all get their reply. */
TEST_F(every_client_of_a_burst_is_answered, state)
{
	static const char line[] = "{\"version\":1,\"verb\":\"busy\"}\n";
	char answer[64];
	int fds[60];

	for (size_t i = 0; i < 60; i++) {
		fds[i] = open_client(*state);
		assert_int_equal(send(fds[i], line, sizeof(line) - 1, 0), sizeof(line) - 1);
	}
	for (size_t i = 0; i < 60; i++) {
		receive(fds[i], answer, sizeof(answer));
		assert_string_equal(answer, "{\"version\":1}\n");
		fd_close(fds[i]);
	}
}

TEST_F(server_survives_clients_that_close_at_once, state)
{
	static const char line[] = "{\"version\":1,\"verb\":\"long\"}\n";

	for (int i = 0; i < 200; i++) {
		int fd = open_client(*state);

		if (i % 3 == 0)
			send(fd, line, sizeof(line) - 1, MSG_NOSIGNAL);
		fd_close(fd);
	}
	expect_alive(*state);
}

TEST_F(socket_has_mode_0600_in_directory_of_0755, state)
{
	struct fixture *fixture = *state;
	char run[CTL_PATH_MAX];
	struct stat st;

	assert_int_equal(lstat(fixture->path, &st), 0);
	assert_int_equal(st.st_mode, S_IFSOCK | 0600);
	snprintf(run, sizeof(run), "%s/run", fixture->directory);
	assert_int_equal(lstat(run, &st), 0);
	assert_int_equal(st.st_mode, S_IFDIR | 0755);
}

/*
 * The server replaces the socket of a dead process, and does not remove the socket of its
 * successor.
 */
TEST_F(stopped_server_keeps_socket_of_successor, state)
{
	struct fixture *fixture = *state;
	struct ctl_server *old = fixture->server;
	struct stat st;

	start(fixture);
	ctl_server_stop(old);
	assert_int_equal(lstat(fixture->path, &st), 0);
	expect_alive(fixture);

	ctl_server_stop(fixture->server);
	fixture->server = NULL;
	assert_int_equal(lstat(fixture->path, &st), -1);
	assert_int_equal(ctl_socket_connect(fixture->path), -ENOENT);
}

/* The server refuses a directory in which another user could replace the socket. */
TEST_F(directory_that_others_can_write_to_is_refused, state)
{
	struct fixture *fixture = *state;
	struct ctl_server_options options = { .path = fixture->path };
	struct ctl_server *server = NULL;
	char run[CTL_PATH_MAX];

	snprintf(run, sizeof(run), "%s/run", fixture->directory);
	assert_int_equal(chmod(run, 0777), 0);
	assert_int_equal(ctl_server_start(&options, &server), -EPERM);
	assert_null(server);
	assert_int_equal(chmod(run, 0755), 0);
}

/*
 * A client that waits for the end of the server returns when the server ends, or after its timeout.
 */
TEST_F(waiting_client_notices_end_of_server, state)
{
	struct fixture *fixture = *state;
	_cleanup_(fd_closep) int fd = open_client(fixture);

	expect_echo(fd, "here");
	assert_int_equal(ctl_client_wait_end(fd, 50), -ETIMEDOUT);
	ctl_server_stop(fixture->server);
	fixture->server = NULL;
	assert_int_equal(ctl_client_wait_end(fd, WAIT_MS), 0);
}

/* The server accepts the call and does not reply, or replies with nonsense. */
TEST_F(call_fails_on_silence_and_nonsense, state)
{
	struct json_object *reply = NULL;
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds),
			 0);
	assert_int_equal(ctl_client_call(fds[0], "echo", NULL, 50, &reply), -ETIMEDOUT);
	assert_int_equal(send(fds[1], "hm\n", 3, 0), 3);
	assert_int_equal(ctl_client_call(fds[0], "echo", NULL, WAIT_MS, &reply), -EBADMSG);
	fd_close(fds[1]);
	assert_true(ctl_client_call(fds[0], "echo", NULL, WAIT_MS, &reply) < 0);
	assert_null(reply);
	fd_close(fds[0]);
}

/* The server sends its reply before the bytes that the verb writes to the connection. */
TEST_F(verb_writes_to_taken_connection_after_its_reply, state)
{
	struct fixture *fixture = *state;
	_cleanup_(fd_closep) int fd = open_client(fixture);
	struct json_object *reply = NULL;
	char line[64];

	assert_int_equal(ctl_client_call(fd, "take", NULL, WAIT_MS, &reply), 0);
	assert_null(ctl_reply_error(reply));
	json_object_put(reply);
	receive(fd, line, sizeof(line));
	assert_string_equal(line, "{\"line\":0}\n");
	receive(fd, line, sizeof(line));
	receive(fd, line, sizeof(line));
	assert_string_equal(line, "{\"line\":2}\n");

	/* The server has closed its own descriptor, so the connection ends with the verb's. */
	expect_alive(fixture);
	assert_int_equal(ctl_client_wait_end(fd, 50), -ETIMEDOUT);
	fixture->taken_fd = fd_close(fixture->taken_fd);
	assert_int_equal(ctl_client_wait_end(fd, WAIT_MS), 0);
}

/* The connection stays usable when the server stops. */
TEST_F(taken_connection_outlives_server, state)
{
	struct fixture *fixture = *state;
	_cleanup_(fd_closep) int fd = open_client(fixture);
	struct json_object *reply = NULL;
	char line[64];

	assert_int_equal(ctl_client_call(fd, "take", NULL, WAIT_MS, &reply), 0);
	json_object_put(reply);
	expect_alive(fixture);
	ctl_server_stop(fixture->server);
	fixture->server = NULL;
	for (int i = 0; i < 3; i++)
		receive(fd, line, sizeof(line));
	assert_int_equal(dprintf(fixture->taken_fd, "more\n"), 5);
	receive(fd, line, sizeof(line));
	assert_string_equal(line, "more\n");
}

TEST_F(failed_take_closes_only_its_connection, state)
{
	struct fixture *fixture = *state;
	_cleanup_(fd_closep) int fd = open_client(fixture);
	_cleanup_(fd_closep) int other_fd = open_client(fixture);
	struct json_object *reply = NULL;
	char line[256];

	assert_int_equal(ctl_client_call(fd, "take-fail", NULL, WAIT_MS, &reply), 0);
	assert_null(ctl_reply_error(reply));
	json_object_put(reply);
	receive(fd, line, sizeof(line));
	assert_non_null(strstr(line, "\"error\":\"not today\""));
	assert_int_equal(ctl_client_wait_end(fd, WAIT_MS), 0);

	assert_int_equal(ctl_client_call(other_fd, "fail-take", NULL, WAIT_MS, &reply), 0);
	assert_string_equal(ctl_reply_error(reply), strerror(EBUSY));
	json_object_put(reply);
	expect_echo(other_fd, "still mine");
	assert_int_equal(fixture->taken_fd, -1);
}

/* A verb takes over its connection only after the client has read the earlier replies. */
TEST_F(connection_is_taken_after_earlier_replies_are_read, state)
{
	static const char lines[] = "{\"version\":1,\"verb\":\"long\"}\n"
				    "{\"version\":1,\"verb\":\"take\"}\n";
	struct fixture *fixture = *state;
	_cleanup_(fd_closep) int fd = open_client(fixture);
	char *answer = malloc(2 << 20);
	size_t n = 0;
	ssize_t r = 0;

	assert_int_equal(send(fd, lines, sizeof(lines) - 1, 0), sizeof(lines) - 1);
	expect_alive(fixture);
	assert_int_equal(fixture->taken_fd, -1);
	/* After the long reply has been read, the server handles the next request. */
	while (n < 40 || memcmp(answer + n - 11, "{\"line\":2}\n", 11) != 0) {
		struct pollfd poll_fd = { fd, POLLIN, 0 };

		assert_int_equal(poll(&poll_fd, 1, WAIT_MS), 1);
		r = recv(fd, answer + n, (2 << 20) - n, 0);
		if (r < 0 && errno == EAGAIN)
			continue;
		assert_true(r > 0);
		n += r;
	}
	assert_true(n > 1 << 20);
	assert_true(fixture->taken_fd >= 0);
	free(answer);
}

/* Slow verbs run at the same time as other requests, at most twelve at once. */
TEST_F(twelve_slow_verbs_run_at_a_time_and_block_nobody, state)
{
	static const char line[] = "{\"version\":1,\"verb\":\"slow\"}\n";
	char answer[256];
	int fds[13];

	n_slow = 0;
	slow_may_end = false;
	for (size_t i = 0; i < 12; i++) {
		fds[i] = open_client(*state);
		assert_int_equal(send(fds[i], line, sizeof(line) - 1, 0), sizeof(line) - 1);
	}
	for (int ms = 0; n_slow < 12 && ms < WAIT_MS; ms++)
		usleep(1000);
	assert_int_equal(n_slow, 12);
	fds[12] = open_client(*state);
	exchange(fds[12], line, sizeof(line) - 1, answer, sizeof(answer));
	assert_non_null(strstr(answer, "too many filters are being changed"));
	/* The server does not disconnect clients whose slow verb runs. */
	for (int i = 0; i < 20; i++)
		expect_alive(*state);
	slow_may_end = true;
	for (size_t i = 0; i < 12; i++) {
		receive(fds[i], answer, sizeof(answer));
		assert_string_equal(answer, "{\"version\":1}\n");
	}
	for (size_t i = 0; i < 13; i++)
		fd_close(fds[i]);
}

/* Each row: a request of a verb that needs "name", and the reply. */
TEST_F(request_without_member_of_verb_is_refused, state)
{
	static const struct {
		const char *line, *answer;
	} rows[] = {
		{ "{\"version\":1,\"verb\":\"named\"}\n", "the request has no \\\"name\\\"" },
		{ "{\"version\":1,\"verb\":\"named\",\"name\":7}\n", "the request has no" },
		{ "{\"version\":1,\"verb\":\"named\",\"name\":\"x\"}\n",
		  "{\"version\":1,\"name\":\"x\"}\n" },
	};
	_cleanup_(fd_closep) int fd = open_client(*state);
	char answer[256];

	for (size_t i = 0; i < N(rows); i++) {
		exchange(fd, rows[i].line, strlen(rows[i].line), answer, sizeof(answer));
		if (!strstr(answer, rows[i].answer))
			fail_msg("%s is answered with %s", rows[i].line, answer);
	}
}

static void *end_verbs(void *arg)
{
	ctl_server_end_verbs(arg);
	/* No verb runs any more: the test lets the slow one end only then. */
	require(slow_may_end);
	return NULL;
}

/* Clients that wait for the end of the view stay connected until nothing uses LOWER any more. */
TEST_F(verbs_end_before_connections, state)
{
	static const char line[] = "{\"version\":1,\"verb\":\"slow\"}\n";
	struct fixture *fixture = *state;
	_cleanup_(fd_closep) int slow = open_client(fixture), idle = open_client(fixture);
	_cleanup_(fd_closep) int late = open_client(fixture);
	struct pollfd poll_fd = { idle, POLLIN, 0 };
	struct json_object *reply = NULL;
	char answer[256];
	pthread_t thread;

	expect_echo(idle, "idle");
	n_slow = 0;
	slow_may_end = false;
	assert_int_equal(send(slow, line, sizeof(line) - 1, 0), sizeof(line) - 1);
	for (int ms = 0; n_slow < 1 && ms < WAIT_MS; ms++)
		usleep(1000);
	assert_int_equal(pthread_create(&thread, NULL, end_verbs, fixture->server), 0);
	usleep(20000);
	slow_may_end = true;
	pthread_join(thread, NULL);
	receive(slow, answer, sizeof(answer));
	assert_string_equal(answer, "{\"version\":1}\n");
	assert_true(ctl_client_call(late, "echo", NULL, WAIT_MS, &reply) < 0);
	assert_int_equal(poll(&poll_fd, 1, 0), 0);
	ctl_server_stop(fixture->server);
	fixture->server = NULL;
	assert_int_equal(ctl_client_wait_end(idle, 0), 0);
}

TEST_MAIN(NULL, NULL)
