// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The control socket's thread.
 *
 * One thread polls the socket, its clients and a descriptor that says "end"; it alone touches
 * clients, so there are no locks. Verbs run in it, one at a time; those that may take long run in a
 * thread for each (struct job), which says by an eventfd that it is done. Its client waits meanwhile,
 * and keeps its place; some places are left for others. A verb may take its client's connection away
 * for good (struct ctl_call.take): then the place is free for another.
 *
 * Who may speak is decided by the mode of the socket and again by the kernel's word on who
 * connected (SO_PEERCRED), since a mode can be changed later: root, and the user that mounted.
 *
 * The number in the socket's name is one that the kernel gives to a single view at a time. A file
 * that is there already was left by a process that died, and is replaced. The kernel hands the
 * number on as soon as the view is unmounted, so at our end the file may belong to somebody else:
 * it is removed only while it is the one that we made.
 */
#include "ctl/server.h"
#include "ctl/peer.h"
#include "ctl/proto.h"
#include "ctl/json.h"
#include "util/caps.h"
#include "util/cleanup.h"
#include "util/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <linux/capability.h>
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* Verbs load filters, look at nodes, and change the flags of mounts. */
#define CAPS_CONTROL                                                                               \
	(CAP_BIT(CAP_SYS_ADMIN) | CAP_BIT(CAP_BPF) | CAP_BIT(CAP_PERFMON) |                        \
	 CAP_BIT(CAP_SYS_RESOURCE) | CAP_BIT(CAP_DAC_OVERRIDE) | CAP_BIT(CAP_DAC_READ_SEARCH))

enum {
	N_PEERS		= 16,
	N_JOBS		= 12,		/* less than N_PEERS: others can still ask */
	JSON_DEPTH	= 16,
	RETRY_MS	= 100,		/* when accept() finds no descriptor */
	N_FDS		= 3,		/* that are polled beside those of clients */
};

struct ctl_server {
	/* Set before the thread starts, and left alone since. */
	struct ctl_server_options options;
	struct sockaddr_un address;
	struct stat file;		/* the socket's file, to know it again */
	int listen_fd;
	int stop_fd;			/* an eventfd: readable when the thread shall end */
	int done_fd;			/* an eventfd: readable when a job is done */
	pthread_t thread;

	/* The thread's own. */
	struct peer peers[N_PEERS];
	unsigned int n_jobs;
	uint64_t turn;
};

/* A request that runs in a thread of its own. */
struct job {
	struct ctl_server *server;
	const struct ctl_verb *verb;
	struct ctl_call call;		/* the job's thread's until done */
	pthread_t thread;
	_Atomic bool done;
};

static int reply_error(struct json_object *reply, int error, const char *text)
{
	json_object_object_add(reply, "error", json_text(text));
	json_object_object_add(reply, "errno", json_object_new_int(-error));
	return error;
}

static struct json_object *new_reply(void)
{
	struct json_object *reply = json_object_new_object();

	if (reply)
		json_object_object_add(reply, "version", json_object_new_int(CTL_VERSION));
	return reply;
}

/* One line as an object; NULL when it is anything else. */
static struct json_object *parse(const char *line, size_t len)
{
	struct json_tokener *tokener = json_tokener_new_ex(JSON_DEPTH);
	struct json_object *object;
	size_t end;

	if (!tokener)
		return NULL;
	object = json_tokener_parse_ex(tokener, line, len);
	end = json_tokener_get_parse_end(tokener);
	json_tokener_free(tokener);

	while (end < len && (line[end] == ' ' || line[end] == '\t' || line[end] == '\r'))
		end++;
	if (end == len && json_object_is_type(object, json_type_object))
		return object;
	json_object_put(object);
	return NULL;
}

static const struct ctl_verb *find_verb(const struct ctl_server *server, const char *name)
{
	for (size_t i = 0; i < server->options.n_verbs; i++) {
		if (strcmp(server->options.verbs[i].name, name) == 0)
			return &server->options.verbs[i];
	}
	return NULL;
}

/* The verb that is asked for; NULL: there is none, and the reply says why. */
static const struct ctl_verb *verb_of(struct ctl_server *server, struct ctl_call *call)
{
	struct json_object *version, *name;
	const struct ctl_verb *verb;
	char text[128];

	if (!call->request) {
		reply_error(call->reply, -EBADMSG, "a request is one JSON object on one line");
		return NULL;
	}
	if (!json_object_object_get_ex(call->request, "version", &version) ||
	    json_object_get_int(version) != CTL_VERSION) {
		reply_error(call->reply, -EPROTONOSUPPORT, "this view speaks version 1 only");
		return NULL;
	}
	if (!json_object_object_get_ex(call->request, "verb", &name) ||
	    !json_object_is_type(name, json_type_string)) {
		reply_error(call->reply, -EBADMSG, "the request has no verb");
		return NULL;
	}
	verb = find_verb(server, json_object_get_string(name));
	if (!verb) {
		snprintf(text, sizeof(text), "there is no verb \"%.64s\"",
			 json_object_get_string(name));
		reply_error(call->reply, -EOPNOTSUPP, text);
	}
	return verb;
}

/* Runs the verb, and fills the reply where it fails. */
static void run_verb(const struct ctl_verb *verb, struct ctl_call *call)
{
	int r = verb->run(call);

	if (r < 0) {
		call->take = NULL;
		reply_error(call->reply, r, call->error[0] ? call->error : strerror(-r));
	}
}

/* The last word to a peer: it is hung up on when it has read it. */
static int refuse(struct peer *peer, int error, const char *text)
{
	struct json_object *reply = new_reply();
	int r = -ENOMEM;

	peer->closing = true;
	if (reply) {
		reply_error(reply, error, text);
		r = peer_send(peer, reply);
	}
	json_object_put(reply);
	return r;
}

/*
 * The reply is written, and the connection goes to the verb. A peer that has not taken all of the
 * reply loses its connection: what the verb writes must not come before the rest.
 */
static int hand_over(struct peer *peer, struct ctl_call *call)
{
	int fd, r;

	if (peer->n_out)
		return -ENOBUFS;
	/* A second descriptor: where the verb fails, the first is there to say so. */
	fd = fcntl(peer->fd, F_DUPFD_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	r = call->take(call, fd);
	if (r < 0)
		return refuse(peer, r, call->error[0] ? call->error : strerror(-r));
	return -EPIPE;			/* for us it is lost */
}

static void call_fini(struct ctl_call *call)
{
	json_object_put(call->request);
	json_object_put(call->reply);
}

/* Sends the reply. Negative: the peer is lost. */
static int finish_call(struct peer *peer, struct ctl_call *call)
{
	int r = peer_send(peer, call->reply);

	if (r >= 0 && call->take)
		r = hand_over(peer, call);
	return r;
}

static void *job_main(void *arg)
{
	struct job *job = arg;
	struct ctl_server *server = job->server;

	run_verb(job->verb, &job->call);
	job->done = true;
	eventfd_write(server->done_fd, 1);
	return NULL;
}

/* Starts a job for the call, which is the job's then. 0 or -errno: the call is still the caller's. */
static int job_start(struct ctl_server *server, struct peer *peer, const struct ctl_verb *verb,
		     const struct ctl_call *call)
{
	struct job *job;
	int r;

	if (server->n_jobs == N_JOBS)
		return reply_error(call->reply, -EBUSY, "too many changes are under way: try again");
	job = malloc(sizeof(*job));
	if (!job)
		return reply_error(call->reply, -ENOMEM, "no memory");
	*job = (struct job){ .server = server, .verb = verb, .call = *call };
	r = pthread_create(&job->thread, NULL, job_main, job);
	if (r > 0) {
		free(job);
		return reply_error(call->reply, -r, "cannot start a thread for the change");
	}
	peer->job = job;
	server->n_jobs++;
	return 0;
}

/* Waits for the job, and frees it. Negative: the peer is lost. */
static int job_end(struct ctl_server *server, struct peer *peer, bool answers)
{
	struct job *job = peer->job;
	int r = 0;

	pthread_join(job->thread, NULL);
	if (answers)
		r = finish_call(peer, &job->call);
	call_fini(&job->call);
	free(job);
	peer->job = NULL;
	server->n_jobs--;
	return r;
}

/* Answers one line, now or when its job is done. Negative: the peer is lost. */
static int handle_line(struct ctl_server *server, struct peer *peer, const char *line, size_t len)
{
	struct ctl_call call = { .aux = server->options.aux };
	const struct ctl_verb *verb;
	int r = -ENOMEM;

	call.request = parse(line, len);
	call.reply = new_reply();
	if (call.reply) {
		verb = verb_of(server, &call);
		if (verb && verb->slow && job_start(server, peer, verb, &call) == 0)
			return 0;
		if (verb && !verb->slow)
			run_verb(verb, &call);
		r = finish_call(peer, &call);
	}
	call_fini(&call);
	return r;
}

/* Answers what stands in the buffer, as long as the peer takes the answers. */
static int handle_lines(struct ctl_server *server, struct peer *peer)
{
	const char *line;
	size_t len;
	int r = 0;

	while (r >= 0 && !peer->n_out && !peer->closing && !peer->job) {
		r = peer_next_line(peer, &line, &len);
		if (r == -EMSGSIZE)
			return refuse(peer, r, "the request is too long");
		if (r <= 0)
			return r;
		r = handle_line(server, peer, line, len);
	}
	return r;
}

/* events 0: its job is done. */
static void handle_peer(struct ctl_server *server, struct peer *peer, short events)
{
	int r = 0;

	peer->used = server->turn;
	if (!events)
		r = job_end(server, peer, true);
	else if (events & POLLOUT)
		r = peer_flush(peer);
	else if (events & (POLLIN | POLLHUP | POLLERR))
		r = peer_read(peer);
	if (r >= 0 && !peer->closing)
		r = handle_lines(server, peer);
	if (r < 0 || (peer->closing && !peer->n_out))
		peer_fini(peer);
}

static bool is_allowed(int fd)
{
	struct ucred credentials;
	socklen_t len = sizeof(credentials);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &len) < 0)
		return false;
	return credentials.uid == 0 || credentials.uid == geteuid();
}

/* A free place: of those without a job the one that was silent for longest has to go if there is none. */
static struct peer *free_place(struct ctl_server *server)
{
	struct peer *oldest = NULL;

	for (size_t i = 0; i < N_PEERS; i++) {
		struct peer *peer = &server->peers[i];

		if (peer->fd < 0)
			return peer;
		if (!peer->job && (!oldest || peer->used < oldest->used))
			oldest = peer;
	}
	peer_fini(oldest);
	return oldest;
}

/* Takes in a new client. Negative when there is nothing to take it in with. */
static int take_in(struct ctl_server *server)
{
	struct peer *peer;
	int fd, r;

	fd = accept4(server->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd < 0)
		return errno == EMFILE || errno == ENFILE || errno == ENOMEM ? -errno : 0;
	peer = free_place(server);
	r = peer_init(peer, fd);
	if (r < 0)
		return r;
	peer->used = server->turn;
	if (!is_allowed(fd)) {
		refuse(peer, -EPERM, "only root and the user who mounted the view may ask");
		peer_fini(peer);
	}
	return 0;
}

static void set_pollfds(struct ctl_server *server, bool exhausted, struct pollfd *fds)
{
	fds[0] = (struct pollfd){ server->stop_fd, POLLIN, 0 };
	/* While descriptors are short the queue would wake us in vain: let it wait. */
	fds[1] = (struct pollfd){ exhausted ? -1 : server->listen_fd, POLLIN, 0 };
	fds[2] = (struct pollfd){ server->done_fd, POLLIN, 0 };
	for (size_t i = 0; i < N_PEERS; i++) {
		struct peer *peer = &server->peers[i];

		fds[N_FDS + i] = (struct pollfd){ peer->job ? -1 : peer->fd,
						  peer->n_out ? POLLOUT : POLLIN, 0 };
	}
}

static void handle_done(struct ctl_server *server)
{
	eventfd_t n;

	eventfd_read(server->done_fd, &n);
	for (size_t i = 0; i < N_PEERS; i++) {
		struct peer *peer = &server->peers[i];

		if (peer->job && peer->job->done)
			handle_peer(server, peer, 0);
	}
}

static void *run(void *aux)
{
	struct ctl_server *server = aux;
	struct pollfd fds[N_FDS + N_PEERS];
	bool exhausted = false;

	caps_limit(CAPS_CONTROL);
	for (;;) {
		server->turn++;
		set_pollfds(server, exhausted, fds);
		if (poll(fds, N_FDS + N_PEERS, exhausted ? RETRY_MS : -1) < 0)
			continue;
		exhausted = false;

		if (fds[0].revents)
			return NULL;
		for (size_t i = 0; i < N_PEERS; i++) {
			if (fds[N_FDS + i].revents)
				handle_peer(server, &server->peers[i], fds[N_FDS + i].revents);
		}
		if (fds[2].revents)
			handle_done(server);
		if (fds[1].revents)
			exhausted = take_in(server) < 0;
	}
}

/* The directory is for sockets of all users' views, but only its owner may put one there. */
static int make_directory(const char *path)
{
	const char *slash = strrchr(path, '/');
	_cleanup_(freep) char *directory = NULL;
	struct stat st;

	if (!slash || slash == path)
		return 0;
	directory = strndup(path, slash - path);
	if (!directory)
		return -ENOMEM;
	if (mkdir(directory, 0755) == 0) {
		/* The caller's umask may have taken bits away. */
		return chmod(directory, 0755) < 0 ? -errno : 0;
	}
	if (errno != EEXIST)
		return -errno;
	if (lstat(directory, &st) < 0)
		return -errno;
	if (!S_ISDIR(st.st_mode) || (st.st_mode & 022) || (st.st_uid && st.st_uid != geteuid()))
		return -EPERM;
	return 0;
}

static int listen_at(struct ctl_server *server)
{
	struct sockaddr_un made = { .sun_family = AF_UNIX };
	const char *path = server->address.sun_path;

	server->listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (server->listen_fd < 0)
		return -errno;
	/* Linux makes the file with the mode of the socket: there is no moment of a wider one. */
	if (fchmod(server->listen_fd, 0600) < 0)
		return -errno;
	if ((size_t)snprintf(made.sun_path, sizeof(made.sun_path), "%s.new", path) >= sizeof(made.sun_path))
		return -ENAMETOOLONG;
	if (unlink(made.sun_path) < 0 && errno != ENOENT)
		return -errno;
	if (bind(server->listen_fd, (struct sockaddr *)&made, sizeof(made)) < 0)
		return -errno;
	/* Under its own name nobody ever sees it without a listener: that would be a dead one (dead.c). */
	if (lstat(made.sun_path, &server->file) < 0 || listen(server->listen_fd, N_PEERS) < 0 ||
	    rename(made.sun_path, path) < 0) {
		int error = -errno;

		unlink(made.sun_path);
		return error;
	}
	return 0;
}

static void server_free(struct ctl_server *server)
{
	const char *path = server->address.sun_path;
	struct stat now;

	for (size_t i = 0; i < N_PEERS; i++) {
		if (server->peers[i].job)
			job_end(server, &server->peers[i], false);
		peer_fini(&server->peers[i]);
	}
	if (server->file.st_ino && lstat(path, &now) == 0 && now.st_ino == server->file.st_ino &&
	    now.st_dev == server->file.st_dev)
		unlink(path);
	fd_close(server->listen_fd);
	fd_close(server->stop_fd);
	fd_close(server->done_fd);
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
	server->listen_fd = -1;
	server->stop_fd = -1;
	server->done_fd = -1;
	for (size_t i = 0; i < N_PEERS; i++)
		server->peers[i].fd = -1;
	server->address.sun_family = AF_UNIX;
	if (strlen(options->path) >= sizeof(server->address.sun_path))
		return -ENAMETOOLONG;
	strcpy(server->address.sun_path, options->path);

	r = make_directory(options->path);
	if (r < 0)
		return r;
	r = listen_at(server);
	if (r < 0)
		return r;
	server->stop_fd = eventfd(0, EFD_CLOEXEC);
	server->done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (server->stop_fd < 0 || server->done_fd < 0)
		return -errno;
	r = pthread_create(&server->thread, NULL, run, server);
	if (r > 0)
		return -r;
	pthread_setname_np(server->thread, "penstock-ctl");
	*ret_server = take_ptr(server);
	return 0;
}

void ctl_server_stop(struct ctl_server *server)
{
	if (!server)
		return;
	eventfd_write(server->stop_fd, 1);
	pthread_join(server->thread, NULL);
	server_free(server);
}
