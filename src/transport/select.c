// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Chooses the transport.
 *
 * Each view has a channel of /dev/fuse, on which INIT, forgets and interrupts arrive. With FUSE
 * over io_uring, a view also has channels for each CPU, whose workers run on that CPU only. The
 * kernel has a queue for every CPU that the machine may ever have, and uses none before the daemon
 * serves all; one worker, which runs on any CPU, serves the queues of all CPUs that cannot be used
 * now.
 *
 * Once the reply to INIT has promised io_uring, every operation waits until all queues are served:
 * a queue that could not be set up would block the mount forever. So this file opens all channels
 * before INIT, and if that fails, the reply to INIT does not promise io_uring.
 */
#include "transport/select.h"
#include "util/cleanup.h"
#include "util/cpu.h"
#include "util/fd.h"
#include "util/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define POSSIBLE    "/sys/devices/system/cpu/possible"
#define MAX_WORKERS 256

#define MAX_WRITE       (1u << 20)
#define MIN_URING_WRITE (128u << 10)
#define DEFAULT_DEPTH   2

/*
 * Limits the memory of all slots together: with more slots, each has less room for data. Without
 * filters, most of this memory is never touched. With filters, the slots are one BPF map, and the
 * kernel allocates all of it when the map is created.
 */
#define MEMORY (96u << 20)
/* Slots besides the slots of queues, workers and the pool. */
#define N_OTHERS 48

/* -- CPUs of the machine --------------------------------------------------------------------- */

/* Returns the number of CPUs in a list like "0-3,8", or 0 if the list is malformed. */
static unsigned int count_list(const char *list)
{
	unsigned int first, last, n = 0;
	int len;

	while (sscanf(list, "%u%n", &first, &len) == 1) {
		list += len;
		last = first;
		if (*list == '-' && sscanf(list + 1, "%u%n", &last, &len) == 1)
			list += 1 + len;
		if (last < first || last >= CPU_MAX)
			return 0;
		n += last - first + 1;
		if (*list != ',')
			break;
		list++;
	}
	return n;
}

static unsigned int default_workers(void)
{
	cpu_set_t set;
	int n = sched_getaffinity(0, sizeof(set), &set) < 0 ? 1 : CPU_COUNT(&set);

	return (unsigned int)n < MAX_WORKERS ? (unsigned int)n : MAX_WORKERS;
}

/* -- channels -------------------------------------------------------------------------------- */

static int add_queues(struct transport *transport, const struct chan_uring_plan *plan)
{
	int r;

	if (!plan->n_queues)
		return 0;
	r = chan_uring_new(plan, &transport->chans[transport->n_chans]);
	if (r == 0)
		transport->n_chans++;
	return r;
}

/*
 * Adds two channels, and so two workers, for the same queues. The kernel sends each request to the
 * channel that has replied last. The other channel has the rest of the depth, so while one worker
 * is blocked, requests go to the other.
 */
static int add_pair(struct transport *transport, struct chan_uring_plan plan)
{
	unsigned int depth = plan.depth;
	int r;

	plan.depth = 1;
	r = add_queues(transport, &plan);
	if (r < 0 || !plan.n_queues)
		return r;
	plan.depth = depth > 1 ? depth - 1 : 1;
	plan.first = transport->chans[transport->n_chans - 1];
	return add_queues(transport, &plan);
}

/*
 * Adds a pair of channels for each worker, with the queues of the CPUs in usable, and one channel
 * for the queues of all other CPUs.
 */
static int share_out(struct transport *transport, unsigned int depth, unsigned int n_possible,
		     const cpu_set_t *usable)
{
	unsigned int n_workers = transport->n_workers;
	_cleanup_(freep) unsigned int *list = calloc(n_possible, sizeof(*list));
	unsigned int n_usable = (unsigned int)CPU_COUNT_S(CPU_SET_BYTES, usable);
	struct chan_uring_plan plan = { .queues = list };
	int r = 0;

	if (!list)
		return -ENOMEM;
	for (unsigned int i = 0; i < n_workers && r == 0; i++) {
		unsigned int nth = 0;

		plan.n_queues = 0;
		for (unsigned int cpu = 0; cpu < n_possible; cpu++)
			if (CPU_ISSET_S(cpu, CPU_SET_BYTES, usable) && nth++ % n_workers == i)
				list[plan.n_queues++] = cpu;
		plan.depth = depth;
		/* A worker of several CPUs is not pinned. */
		plan.cpu = plan.n_queues == 1 && n_workers >= n_usable ? (int)list[0] : -1;
		r = add_pair(transport, plan);
	}
	plan = (struct chan_uring_plan){ .queues = list, .depth = 1, .cpu = -1 };
	for (unsigned int cpu = 0; cpu < n_possible; cpu++)
		if (!CPU_ISSET_S(cpu, CPU_SET_BYTES, usable))
			list[plan.n_queues++] = cpu;
	return r < 0 ? r : add_queues(transport, &plan);
}

static int open_uring(struct transport *transport, const struct pst_view_options *options)
{
	unsigned int depth = options->uring_depth ? options->uring_depth : DEFAULT_DEPTH;
	char text[512];
	int r = fd_read_file(POSSIBLE, text, sizeof(text));
	unsigned int n_possible = r < 0 ? 0 : count_list(text);
	cpu_set_t *usable;

	if (!n_possible)
		return r < 0 ? r : -EINVAL;
	usable = cpu_allowed();
	if (!usable)
		return -ENOMEM;
	r = share_out(transport, depth, n_possible, usable);
	CPU_FREE(usable);
	return r;
}

static uint32_t data_size(const struct transport *transport, unsigned int n_pool)
{
	size_t n = transport->n_chans + n_pool + N_OTHERS;
	uint32_t size = MAX_WRITE;

	for (unsigned int i = 0; i < transport->n_chans; i++)
		n += transport->chans[i]->n_slots;
	while (size > MIN_URING_WRITE && n * (SLOT_DATA + size) > MEMORY)
		size /= 2;
	return size;
}

/* -- the choice ------------------------------------------------------------------------------ */

#define NO_URING                                                                                   \
	"the kernel has no FUSE over io_uring, which takes Linux 6.14 with CONFIG_FUSE_IO_URING"

static int switch_on(struct pst_error *error)
{
	_cleanup_(fd_closep) int fd = open(TRANSPORT_URING_SWITCH, O_WRONLY | O_CLOEXEC);

	if (fd < 0 && errno == ENOENT)
		return error_set(error, -EOPNOTSUPP, "enable_uring: %s", NO_URING);
	if (fd < 0 || write(fd, "Y", 1) < 0)
		return error_set(error, -errno,
				 "enable_uring: cannot switch on FUSE over io_uring by %s: %s",
				 TRANSPORT_URING_SWITCH, strerror(errno));
	return 0;
}

enum transport_uring transport_uring_state(void)
{
	char value[8];

	if (fd_read_file(TRANSPORT_URING_SWITCH, value, sizeof(value)) < 0)
		return TRANSPORT_URING_ABSENT;
	return value[0] == 'Y' || value[0] == '1' ? TRANSPORT_URING_ON : TRANSPORT_URING_OFF;
}

/* Returns why the kernel would not serve through io_uring, or NULL. */
static const char *kernel_lacks(void)
{
	switch (transport_uring_state()) {
	case TRANSPORT_URING_ABSENT:
		return NO_URING;
	case TRANSPORT_URING_OFF:
		return "FUSE over io_uring is switched off: `penstock mount --enable-uring` "
		       "switches it on for all new mounts until the next boot, fuse.enable_uring=1 "
		       "on the kernel's command line for good";
	default:
		return NULL;
	}
}

/*
 * Falls back on /dev/fuse alone: frees the channels of io_uring that the transport still owns. The
 * server has turned the channels that it owns into channels of /dev/fuse. Returns 0 and logs why,
 * or -EOPNOTSUPP and *error if the user has given transport=uring.
 */
static int fall_back(struct transport *transport, const struct pst_view_options *options,
		     enum pst_log_level level, struct pst_error *error)
{
	while (transport->n_chans > 1)
		chan_free(transport->chans[--transport->n_chans]);
	transport->uring = false;
	if (options->transport == PST_TRANSPORT_URING)
		return error_set(error, -EOPNOTSUPP, "transport=uring: %s", transport->why);
	if (options->transport == PST_TRANSPORT_AUTO)
		log_at(level, "%s: serving through /dev/fuse, not through io_uring: %s",
		       options->mountpoint, transport->why);
	return 0;
}

static int choose(struct transport *transport, const struct pst_view_options *options,
		  struct pst_error *error)
{
	const char *why = "transport=dev was given";
	int r;

	if (options->transport != PST_TRANSPORT_DEV)
		why = kernel_lacks();
	if (why) {
		snprintf(transport->why, sizeof(transport->why), "%s", why);
		return fall_back(transport, options, PST_LOG_INFO, error);
	}
	r = open_uring(transport, options);
	transport->uring = r == 0;
	if (r == 0)
		return 0;
	snprintf(transport->why, sizeof(transport->why), "cannot set up io_uring: %s%s",
		 strerror(-r), r == -EPERM ? " (see /proc/sys/kernel/io_uring_disabled)" : "");
	return fall_back(transport, options, PST_LOG_WARNING, error);
}

int transport_open(const struct pst_view_options *options, unsigned int n_pool,
		   struct transport *ret_transport, struct pst_error *error)
{
	struct transport *transport = ret_transport;
	int r;

	*transport = (struct transport){ 0 };
	transport->n_workers = options->n_workers ? options->n_workers : default_workers();
	r = chan_dev_new(NULL, &transport->chans[0]);
	if (r == -ENOENT || r == -ENODEV)
		return error_set(error, r, "there is no /dev/fuse: try `modprobe fuse`");
	if (r < 0)
		return error_set(error, r, "cannot open /dev/fuse: %s%s", strerror(-r),
				 r == -EACCES ? ": ordinary users need the mode 0666 on it, which "
						"udev sets on most systems" :
						"");
	transport->n_chans = 1;
	r = options->enable_uring ? switch_on(error) : 0;
	if (r == 0)
		r = choose(transport, options, error);
	if (r < 0)
		return r;
	transport->max_write = options->max_write ? options->max_write :
			       transport->uring   ? data_size(transport, n_pool) :
						    MAX_WRITE;
	return 0;
}

static int worker_error(unsigned int worker, int r, struct pst_error *error)
{
	return error_set(error, r, "cannot open /dev/fuse for worker %u: %s", worker, strerror(-r));
}

int transport_join(struct transport *transport, struct pst_error *error)
{
	for (unsigned int i = 1; i < transport->n_chans; i++) {
		int r = chan_dev_join(transport->chans[i]->fd, transport->chans[0]);

		if (r < 0)
			return worker_error(i, r, error);
	}
	return 0;
}

int transport_connected(struct transport *transport, const struct pst_view_options *options,
			uint64_t features, struct pst_error *error)
{
	int r = 0;

	if (transport->uring && !(features & FUSE_OVER_IO_URING)) {
		snprintf(transport->why, sizeof(transport->why),
			 "the kernel did not offer it for this mount");
		r = fall_back(transport, options, PST_LOG_WARNING, error);
	}
	/* Without io_uring all workers read the same queue, each by its own channel. */
	while (r == 0 && !transport->uring && transport->n_chans < transport->n_workers) {
		r = chan_dev_new(transport->chans[0], &transport->chans[transport->n_chans]);
		if (r < 0)
			return worker_error(transport->n_chans, r, error);
		transport->n_chans++;
	}
	return r;
}

int transport_fell_back(struct transport *transport, const struct pst_view_options *options,
			int begin_error, struct pst_error *error)
{
	snprintf(transport->why, sizeof(transport->why), "the kernel refused its queues: %s",
		 strerror(-begin_error));
	return fall_back(transport, options, PST_LOG_WARNING, error);
}

void transport_fini(struct transport *transport)
{
	for (unsigned int i = 0; i < transport->n_chans; i++)
		chan_free(transport->chans[i]);
	transport->n_chans = 0;
}
