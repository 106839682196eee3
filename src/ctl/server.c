// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The server of the control socket: one thread accepts clients, and a thread for each client (a
 * session) receives a request, runs its verb and sends the reply, until either side closes the
 * connection. A session may wait for its client, or run a slow verb, without limit. At most
 * N_SESSIONS exist. For a further client the accepting thread ends the session that was silent for
 * longest; but it ends no session that runs a verb, or whose client has connected or received a
 * reply less than SILENT_MS ago. If there is no session to end, new clients wait. Fewer than
 * N_SESSIONS sessions may run a slow verb at the same time, so other clients are still served.
 *
 * Root and the user who mounted the view may send requests. The mode of the socket and SO_PEERCRED
 * both ensure that, because the mode can be changed later.
 *
 * `lock` guards the members that the accepting thread and a session share. A session is ended by
 * shutdown(2) of its descriptor, which wakes it while it waits for its client.
 */
#include "ctl/server.h"
#include "ctl/line.h"
#include "ctl/listen.h"
#include "ctl/proto.h"
#include "util/caps.h"
#include "util/cleanup.h"
#include "util/clock.h"
#include "util/fd.h"
#include "util/proc.h"
#include "util/thread.h"

#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <linux/capability.h>
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

/* For loading filters, looking up nodes, and changing the flags of mounts. */
#define CAPS_CONTROL                                                                               \
	(CAP_BIT(CAP_SYS_ADMIN) | CAP_BIT(CAP_BPF) | CAP_BIT(CAP_PERFMON) |                        \
	 CAP_BIT(CAP_SYS_RESOURCE) | CAP_BIT(CAP_DAC_OVERRIDE) | CAP_BIT(CAP_DAC_READ_SEARCH))

#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77
#endif

#define N_SESSIONS 16
#define N_SLOW     12  /* slow verbs that may run at the same time */
#define SILENT_MS  200 /* a session may be ended for a new client after so long a silence */
#define WAIT_MS    10  /* between two looks for such a session */
#define RETRY_MS   100 /* after accept(2) found no free descriptor */

struct session {
	struct ctl_server *server;
	pthread_t thread;
	bool started; /* the thread has to be joined; used by the accepting thread only */

	/* Guarded by server->lock; only the session itself sets fd to -1. */
	int fd;             /* owned; -1 after the session has ended */
	bool ending;        /* the session may begin no more verbs */
	bool idle;          /* waits for the first byte of a request */
	bool running;       /* a verb runs */
	uint32_t silent_ms; /* clock_ms() when a request came, or its verb ended */
};

struct ctl_server {
	/* Constant after ctl_server_start(). */
	struct ctl_server_options options;
	char path[CTL_PATH_MAX];
	struct stat file; /* the socket's file */
	int listen_fd;
	int stop_fd; /* an eventfd that ends the accepting thread */
	pthread_t thread;

	pthread_mutex_t lock;
	struct session sessions[N_SESSIONS];
	/* Guarded by lock. */
	unsigned int n_running, n_slow; /* verbs that run, and slow ones among them */
	bool ended;                     /* no verb may begin */
	pthread_cond_t verb_ended;
};

/* ---- a session ---- */

/* Sends an error in place of a reply, before the connection ends. */
static void send_error(int fd, int error, const char *text, int64_t deadline)
{
	struct json_object *reply = call_new_reply();

	if (!reply)
		return;
	call_add_error(reply, error, text);
	line_send(fd, reply, deadline);
	json_object_put(reply);
}

/* Waits until the client sends something. Returns 0 or -errno. */
static int wait_for_request(struct session *session)
{
	int r;

	pthread_mutex_lock(&session->server->lock);
	session->idle = true;
	pthread_mutex_unlock(&session->server->lock);
	r = line_wait(session->fd, POLLIN, LINE_FOREVER);
	pthread_mutex_lock(&session->server->lock);
	session->idle = false;
	session->silent_ms = clock_ms();
	pthread_mutex_unlock(&session->server->lock);
	return r;
}

/*
 * Begins a verb. Returns 0, -EBUSY if too many slow verbs run, or -EPIPE if the session has to end.
 */
static int verb_begin(struct session *session, const struct ctl_verb *verb)
{
	struct ctl_server *server = session->server;
	int r = 0;

	pthread_mutex_lock(&server->lock);
	if (session->ending || server->ended)
		r = -EPIPE;
	else if (verb->slow && server->n_slow == N_SLOW)
		r = -EBUSY;
	session->running = r == 0;
	server->n_running += r == 0;
	server->n_slow += r == 0 && verb->slow;
	pthread_mutex_unlock(&server->lock);
	return r;
}

static void verb_end(struct session *session, const struct ctl_verb *verb)
{
	struct ctl_server *server = session->server;

	pthread_mutex_lock(&server->lock);
	session->running = false;
	session->silent_ms = clock_ms();
	server->n_running--;
	server->n_slow -= verb->slow;
	pthread_cond_broadcast(&server->verb_ended);
	pthread_mutex_unlock(&server->lock);
}

/* Returns 0, or a negative value if the session has to end. */
static int run_verb(struct session *session, struct ctl_call *call)
{
	const struct ctl_verb *verb = call->verb;
	int r = verb_begin(session, verb);

	if (r == -EBUSY) {
		call_refuse(call, r, "too many filters are being changed: try again");
		return 0;
	}
	if (r < 0)
		return r;
	call_run(call);
	verb_end(session, verb);
	return 0;
}

/*
 * Passes the connection to the verb, after the reply. Returns a negative value, because the session
 * then ends.
 */
static int hand_over(struct session *session, struct ctl_call *call)
{
	int fd, r = verb_begin(session, call->verb);

	if (r < 0)
		return r;
	/* The verb owns a duplicate, so that the session can still send the verb's error. */
	fd = fcntl(session->fd, F_DUPFD_CLOEXEC, 0);
	r = fd < 0 ? -errno : call->take(call, fd);
	verb_end(session, call->verb);
	if (r < 0)
		send_error(session->fd, r, call_error_text(call, r), LINE_FOREVER);
	return -EPIPE;
}

/*
 * Receives a request and sends the reply. Returns 0, or a negative value if the session has to end.
 */
static int answer(struct session *session)
{
	struct ctl_server *server = session->server;
	_cleanup_(call_fini) struct ctl_call call = { .aux = server->options.aux };
	_cleanup_(freep) char *line = NULL;
	size_t len;
	int r = wait_for_request(session);

	if (r == 0)
		r = line_receive(session->fd, CTL_LINE_MAX, LINE_FOREVER, &line, &len);
	if (r == -EMSGSIZE)
		send_error(session->fd, r, "the request is too long", LINE_FOREVER);
	if (r < 0)
		return r;
	r = call_init(&call, server->options.verbs, server->options.n_verbs, line, len);
	if (r == 0 && call.verb)
		r = run_verb(session, &call);
	if (r == 0)
		r = line_send(session->fd, call.reply, LINE_FOREVER);
	return r == 0 && call.take ? hand_over(session, &call) : r;
}

static void *session_main(void *arg)
{
	struct session *session = arg;

	while (answer(session) == 0)
		;
	pthread_mutex_lock(&session->server->lock);
	session->fd = fd_close(session->fd);
	pthread_mutex_unlock(&session->server->lock);
	return NULL;
}

/*
 * Ends the session and joins its thread. Only the accepting thread calls this, or the thread that
 * stops the server after the accepting thread has ended.
 */
static void session_stop(struct session *session)
{
	struct ctl_server *server = session->server;

	pthread_mutex_lock(&server->lock);
	session->ending = true;
	if (session->fd >= 0)
		shutdown(session->fd, SHUT_RDWR);
	pthread_mutex_unlock(&server->lock);
	if (session->started)
		pthread_join(session->thread, NULL);
	session->started = false;
}

/* ---- the accepting thread ---- */

/*
 * Returns whether the client is root or the user who mounted the view, in the user namespace of
 * this process: a command of `penstock run` must not change the filters of views outside of its
 * own. The descriptor of the client's process shows that its number was not given to another
 * process.
 */
static bool is_allowed(int fd)
{
	_cleanup_(fd_closep) int process = -1;
	struct ucred credentials;
	socklen_t len = sizeof(credentials), size = sizeof(process);
	struct pollfd ended = { .events = POLLIN };

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &len) < 0 ||
	    (credentials.uid != 0 && credentials.uid != geteuid()))
		return false;
	/* Linux 6.5 has these descriptors. */
	if (getsockopt(fd, SOL_SOCKET, SO_PEERPIDFD, &process, &size) < 0 && errno != ENOPROTOOPT)
		return false;
	ended.fd = process;
	return proc_in_our_user_namespace((uint32_t)credentials.pid) && poll(&ended, 1, 0) == 0;
}

/* Returns whether the client has sent something that the session's thread has not seen yet. */
static bool has_unseen(const struct session *session)
{
	struct pollfd client = { session->fd, POLLIN, 0 };

	return session->idle && poll(&client, 1, 0) > 0;
}

/*
 * Returns the session to use for a new client: an ended session, or the session that was silent for
 * longest, which may begin no verb from now on. Returns NULL if there is none.
 */
static struct session *find_session(struct ctl_server *server)
{
	struct session *found = NULL;
	uint32_t longest = SILENT_MS, now;

	pthread_mutex_lock(&server->lock);
	/* A time that is read under the lock is not before any session's silent_ms. */
	now = clock_ms();
	for (size_t i = 0; i < N_SESSIONS; i++) {
		struct session *session = &server->sessions[i];

		if (session->fd < 0) {
			found = session;
			break;
		}
		if (session->running || now - session->silent_ms < longest || has_unseen(session))
			continue;
		longest = now - session->silent_ms;
		found = session;
	}
	if (found)
		found->ending = true;
	pthread_mutex_unlock(&server->lock);
	return found;
}

/*
 * Waits for a session to use for a new client, and ends it. Returns NULL if the server has to stop.
 */
static struct session *wait_for_session(struct ctl_server *server)
{
	struct pollfd stop = { server->stop_fd, POLLIN, 0 };
	struct session *session;

	while (!(session = find_session(server)))
		if (poll(&stop, 1, WAIT_MS) > 0)
			return NULL;
	session_stop(session);
	return session;
}

/* Accepts a client. Returns -errno where there is no free descriptor. */
static int accept_client(struct ctl_server *server)
{
	_cleanup_(fd_closep) int fd =
		accept4(server->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct session *session;

	if (fd < 0)
		return errno == EMFILE || errno == ENFILE || errno == ENOMEM ? -errno : 0;
	if (!is_allowed(fd)) {
		send_error(fd, -EPERM,
			   "only root and the user who mounted the view may send requests, and not "
			   "from another user namespace, such as that of `penstock run`",
			   line_deadline(0));
		return 0;
	}
	session = wait_for_session(server);
	if (!session)
		return 0;
	pthread_mutex_lock(&server->lock);
	session->ending = false;
	session->idle = true;
	session->silent_ms = clock_ms();
	pthread_mutex_unlock(&server->lock);
	session->fd = fd;
	session->started = thread_create(&session->thread, NULL, session_main, session) == 0;
	if (session->started)
		take_fd(&fd);
	else
		session->fd = -1;
	return 0;
}

static void *accept_main(void *arg)
{
	struct ctl_server *server = arg;
	struct pollfd fds[] = { { server->stop_fd, POLLIN, 0 }, { server->listen_fd, POLLIN, 0 } };
	bool exhausted = false;

	caps_limit(CAPS_CONTROL);
	for (;;) {
		/*
		 * If accept(2) found no free descriptor, do not poll the socket: poll(2) would
		 * return immediately, and this loop would use all of a CPU.
		 */
		if (poll(fds, exhausted ? 1 : 2, exhausted ? RETRY_MS : -1) < 0)
			continue;
		if (fds[0].revents)
			return NULL;
		exhausted = !exhausted && accept_client(server) < 0;
	}
}

/* ---- start and stop ---- */

static void server_free(struct ctl_server *server)
{
	for (size_t i = 0; i < N_SESSIONS; i++)
		session_stop(&server->sessions[i]);
	if (server->listen_fd >= 0)
		listen_remove(server->path, &server->file);
	fd_close(server->listen_fd);
	fd_close(server->stop_fd);
	pthread_cond_destroy(&server->verb_ended);
	pthread_mutex_destroy(&server->lock);
	free(server);
}

DEFINE_CLEANUP(struct ctl_server *, server_free);

int ctl_server_start(const struct ctl_server_options *options, struct ctl_server **ret_server)
{
	_cleanup_(server_freep) struct ctl_server *server = calloc(1, sizeof(*server));
	int r;

	if (!server)
		return -ENOMEM;
	server->options = *options;
	server->stop_fd = -1;
	pthread_mutex_init(&server->lock, NULL);
	pthread_cond_init(&server->verb_ended, NULL);
	for (size_t i = 0; i < N_SESSIONS; i++)
		server->sessions[i] = (struct session){ .server = server, .fd = -1 };
	snprintf(server->path, sizeof(server->path), "%s", options->path);

	server->listen_fd = listen_at(options->path, N_SESSIONS, &server->file);
	if (server->listen_fd < 0)
		return server->listen_fd;
	server->stop_fd = eventfd(0, EFD_CLOEXEC);
	if (server->stop_fd < 0)
		return -errno;
	r = thread_create(&server->thread, NULL, accept_main, server);
	if (r < 0)
		return r;
	pthread_setname_np(server->thread, "penstock-ctl");
	*ret_server = take_ptr(server);
	return 0;
}

void ctl_server_end_verbs(struct ctl_server *server)
{
	if (!server)
		return;
	pthread_mutex_lock(&server->lock);
	server->ended = true;
	while (server->n_running)
		pthread_cond_wait(&server->verb_ended, &server->lock);
	pthread_mutex_unlock(&server->lock);
}

void ctl_server_stop(struct ctl_server *server)
{
	if (!server)
		return;
	eventfd_write(server->stop_fd, 1);
	pthread_join(server->thread, NULL);
	server_free(server);
}
