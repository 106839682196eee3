// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The choice of a transport.
 *
 * /dev/fuse is always there: INIT, forgets and interrupts come by it. With FUSE over io_uring there
 * is a channel for each CPU beside it, whose worker stays on that CPU. The kernel has a queue for
 * every CPU that the machine may ever have, and uses none before all are served; those that are not
 * usable now are served together, by one worker that runs anywhere.
 *
 * Once INIT has promised io_uring, every operation waits for the queues to be there. So all that
 * may fail of itself is done before it, and where it fails, io_uring is not promised.
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
 * The memory of all slots together stays below this, if need be by slots with less room for data:
 * most of it is never touched, but with filters it is all there, and each slot can come to be used
 * in full.
 */
#define MEMORY (96u << 20)
/* Slots beyond those of queues, workers and pool. */
#define N_OTHERS 48

/* -- what the machine has -------------------------------------------------------------------- */

/* How many CPUs a list like "0-3,8" names; 0 where it is none. */
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

/* CPUs that the machine may have, and of these, those that may be used, in a set. */
static int cpus(unsigned int *ret_n_possible, cpu_set_t **ret_usable)
{
	char text[512];
	cpu_set_t *usable;
	int r = fd_read_file(POSSIBLE, text, sizeof(text));

	if (r < 0)
		return r;
	*ret_n_possible = count_list(text);
	if (!*ret_n_possible)
		return -EINVAL;
	usable = CPU_ALLOC(CPU_MAX);
	if (!usable)
		return -ENOMEM;
	if (sched_getaffinity(0, CPU_SET_BYTES, usable) < 0) {
		r = -errno;
		CPU_FREE(usable);
		return r;
	}
	*ret_usable = usable;
	return 0;
}

static unsigned int default_workers(void)
{
	cpu_set_t set;
	int n = sched_getaffinity(0, sizeof(set), &set) < 0 ? 1 : CPU_COUNT(&set);

	return (unsigned int)n < MAX_WORKERS ? (unsigned int)n : MAX_WORKERS;
}

/* -- channels -------------------------------------------------------------------------------- */

/* Falls back: on /dev/fuse alone, for this reason. */
static void drop_uring(struct transport *transport, const char *why)
{
	while (transport->n_chans > 1) {
		transport->n_chans--;
		transport->chans[transport->n_chans] =
			chan_free(transport->chans[transport->n_chans]);
	}
	transport->uring = false;
	snprintf(transport->why_text, sizeof(transport->why_text), "%s", why);
	transport->why = transport->why_text;
}

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
 * Two channels for the same queues. The kernel gives requests to the one that has answered last,
 * while the other one stands by with the rest of the depth: so a worker that is held up holds up no
 * request.
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
 * A pair of channels for each of n workers, and one channel for all queues that are not usable now.
 */
static int share_out(struct transport *transport, unsigned int n_workers, unsigned int depth,
		     unsigned int n_possible, const cpu_set_t *usable)
{
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
		/* Where workers are fewer than CPUs, there is not one place for them. */
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
	cpu_set_t *usable;
	unsigned int n_possible;
	int r = cpus(&n_possible, &usable);

	if (r < 0)
		return r;
	r = share_out(transport, transport->n_workers, depth, n_possible, usable);
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

static int switch_on(struct pst_error *error)
{
	_cleanup_(fd_closep) int fd = open(TRANSPORT_URING_SWITCH, O_WRONLY | O_CLOEXEC);

	if (fd < 0 && errno == ENOENT)
		return error_set(error, -EOPNOTSUPP,
				 "enable_uring: this kernel has no FUSE over io_uring: it takes "
				 "Linux 6.14 with CONFIG_FUSE_IO_URING");
	if (fd < 0 || write(fd, "Y", 1) < 0)
		return error_set(error, -errno,
				 "enable_uring: cannot switch on FUSE over io_uring in %s: %s",
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
		return "the kernel has no FUSE over io_uring: it takes Linux 6.14 with "
		       "CONFIG_FUSE_IO_URING";
	case TRANSPORT_URING_OFF:
		return "it is switched off in this system: `penstock mount --enable-uring` "
		       "switches it on for all new mounts until the next boot, fuse.enable_uring=1 "
		       "on the kernel's command line for good";
	default:
		return NULL;
	}
}

/* What was asked for must be: else it is a line in the log. */
static int fallen_back(const struct transport *transport, const struct pst_view_options *options,
		       struct pst_error *error)
{
	if (options->transport == PST_TRANSPORT_URING)
		return error_set(error, -EOPNOTSUPP, "transport=uring: %s", transport->why);
	return 0;
}

static int choose(struct transport *transport, const struct pst_view_options *options,
		  struct pst_error *error)
{
	const char *why = "transport=dev was asked for";
	char text[160];
	int r;

	if (options->transport != PST_TRANSPORT_DEV)
		why = kernel_lacks();
	if (!why) {
		r = open_uring(transport, options);
		transport->uring = r == 0;
		if (r == 0)
			return 0;
		snprintf(text, sizeof(text), "io_uring cannot be set up: %s%s", strerror(-r),
			 r == -EPERM ? " (see /proc/sys/kernel/io_uring_disabled)" : "");
		drop_uring(transport, text);
		log_warning("serving through /dev/fuse: %s", transport->why);
	} else {
		drop_uring(transport, why);
		if (options->transport == PST_TRANSPORT_AUTO)
			log_info("serving through /dev/fuse, not by io_uring: %s", why);
	}
	return fallen_back(transport, options, error);
}

int transport_open(const struct pst_view_options *options, unsigned int n_pool,
		   struct transport *ret_transport, struct pst_error *error)
{
	struct transport *transport = ret_transport;
	int r;

	*transport = (struct transport){ .why = "" };
	transport->n_workers = options->n_workers ? options->n_workers : default_workers();
	r = chan_dev_open(&transport->chans[0]);
	if (r == -ENOENT || r == -ENODEV)
		return error_set(error, r, "there is no /dev/fuse: try `modprobe fuse`");
	if (r < 0)
		return error_set(error, r, "cannot open /dev/fuse: %s", strerror(-r));
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

int transport_join(struct transport *transport, struct pst_error *error)
{
	for (unsigned int i = 1; i < transport->n_chans; i++) {
		int r = chan_uring_join(transport->chans[i], transport->chans[0]);

		if (r < 0)
			return error_set(error, r, "cannot open /dev/fuse for worker %u: %s", i,
					 strerror(-r));
	}
	return 0;
}

/* Without io_uring, each worker has a clone of the one descriptor. */
static int clone_for_workers(struct transport *transport, struct pst_error *error)
{
	while (transport->n_chans < transport->n_workers) {
		int r = chan_dev_clone(transport->chans[0], &transport->chans[transport->n_chans]);

		if (r < 0)
			return error_set(error, r, "cannot open /dev/fuse for worker %u: %s",
					 transport->n_chans, strerror(-r));
		transport->n_chans++;
	}
	return 0;
}

int transport_connected(struct transport *transport, const struct pst_view_options *options,
			uint64_t features, struct pst_error *error)
{
	int r;

	if (transport->uring && !(features & FUSE_OVER_IO_URING)) {
		drop_uring(transport, "the kernel did not offer it for this mount");
		log_warning("serving through /dev/fuse, not by io_uring: %s", transport->why);
		r = fallen_back(transport, options, error);
		if (r < 0)
			return r;
	}
	return transport->uring ? 0 : clone_for_workers(transport, error);
}

int transport_fell_back(struct transport *transport, const struct pst_view_options *options,
			int begin_error, struct pst_error *error)
{
	transport->uring = false;
	snprintf(transport->why_text, sizeof(transport->why_text),
		 "the kernel refused its queues: %s", strerror(-begin_error));
	transport->why = transport->why_text;
	log_warning("serving through /dev/fuse, not by io_uring: %s", transport->why);
	return fallen_back(transport, options, error);
}

void transport_fini(struct transport *transport)
{
	for (unsigned int i = 0; i < transport->n_chans; i++)
		chan_free(transport->chans[i]);
	transport->n_chans = 0;
}
