// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * coherence matrix [OPTIONS] NAME VIEW LOWER ACTOR: does each operation in the tree ACTOR: VIEW for
 * the view's own changes, LOWER or another view for external ones. Combines each operation with
 * each way of looking, which comes first after the operation; all other ways follow. Before the
 * operation it looks at everything in the view, so that the kernel has copies that could be stale.
 *
 *	--first		nothing may differ at the first look
 *	--median MS, --longest MS	limits for the time until nothing differs
 *	--batch MS	do many operations, wait this time, then look: for timeouts
 *	--served	the view's page cache has the data: stores arrive later
 *	--only TEXT	only operations with this text in their names
 *	--but NAMES	without these operations (with commas): the mode does not guarantee them
 *	--part N	one in N pairs of operation and look, each operation at least once
 *	--give-up MS	the time after which a difference counts as permanent (4000)
 */
#include <getopt.h>
#include <sys/resource.h>

#include "coherence.h"

enum { MAX_BATCH = 60, MAX_LINES_EACH = 2 };

static struct {
	const char *name, *only, *but;
	bool first, served;
	unsigned int part;
	double median, longest, batch, give_up;
	int view, lower, actor;
} o = { .part = 1, .give_up = 4000 };

struct instance {
	const struct op *op;
	unsigned int how;
	int view, lower;
	struct op_state state;
	double before, acted;
};

static unsigned long n_checks, n_bad, n_healed, n_never, n_failed, n_skipped;
static size_t n_heard;
static double healed[100000], heard[100000];

static void say(const struct instance *in, const char *what, const char *why)
{
	static const struct op *last;
	static unsigned int n;

	n = last == in->op ? n + 1 : 1;
	last = in->op;
	if (n <= MAX_LINES_EACH)
		printf("%s: %s, %s asked for first: %s: %s\n", o.name, in->op->name,
		       look_name(in->how), what, why);
}

/*
 * Returns false for stores into a mapping whose data is served: the kernel writes these pages only
 * at a sync.
 */
static bool is_promised(const struct op *op, unsigned int how)
{
	return how != LOOK_DATA || !o.served || !(op->flags & OP_STORES);
}

static bool begin(struct instance *in)
{
	static unsigned int number;
	char name[40];
	int r;

	snprintf(name, sizeof(name), "%s-%u", o.name, number++);
	fixture_make(o.lower, name);
	in->lower = openat(o.lower, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
	in->view = openat(o.view, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
	in->state = (struct op_state){
		.view = in->view, .own = o.actor == o.view, .fd = -1, .fd2 = -1
	};
	in->state.dir = openat(o.actor, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (in->lower < 0 || in->view < 0 || in->state.dir < 0)
		err(2, "%s", name);
	look_prime(in->view);
	if (in->op->prepare) {
		r = in->op->prepare(&in->state);
		if (r < 0)
			errx(2, "%s: cannot prepare: %s", in->op->name, strerror(-r));
		if (!o.batch && !o.first)
			usleep(100000);
		look_prime(in->view);
	}
	if (o.longest && !o.batch)
		witness_watch(in->lower);
	/* Looks long before the change, or just before it. */
	if (!o.batch && !o.first && in->how % 5 == 4)
		usleep(50000);
	in->before = now_ms();
	r = in->op->act(&in->state);
	in->acted = now_ms();
	if (r == -EOPNOTSUPP || r == -ENOTTY) {
		n_skipped++;
		return false;
	}
	if (r < 0) {
		n_failed++;
		say(in, "failed", strerror(-r));
		return false;
	}
	return true;
}

static void end(struct instance *in)
{
	op_state_fini(&in->state);
	close(in->state.dir);
	close(in->lower);
	close(in->view);
}

/* Looks, and repeats this while something differs, until a time limit. */
static bool heal(struct instance *in, unsigned int how, double *last)
{
	char why[300], first_why[300] = "";
	bool first = true;

	n_checks++;
	if (!is_promised(in->op, how))
		return true;
	while (look(how, in->view, in->lower, why, sizeof(why))) {
		if (first) {
			n_bad++;
			snprintf(first_why, sizeof(first_why), "%s", why);
			if (o.first) {
				say(in, "stale at first look", why);
				return true;
			}
		}
		first = false;
		if (now_ms() - in->acted > o.give_up + o.batch) {
			n_never++;
			if (!o.first)
				say(in, "never healed", first_why);
			return false;
		}
		usleep(how == LOOK_DATA || how == LOOK_LISTING ? 1000 : 100);
	}
	if (first)
		return true;
	*last = now_ms() - in->acted;
	if (!o.first && o.longest && *last > o.longest)
		say(in, "healed late", first_why);
	return true;
}

/* Notes after how much time a bare inotify reader got the event. */
static void note_witness(const struct instance *in)
{
	double at = witness_heard();

	if (at > in->before && n_heard < sizeof(heard) / sizeof(heard[0]))
		heard[n_heard++] = at > in->acted ? at - in->acted : 0;
}

static void check(struct instance *in)
{
	double last = 0;
	bool ok = heal(in, in->how, &last);

	for (unsigned int how = 0; how < N_LOOKS && ok; how++)
		if (how != in->how && how != LOOK_DATA)
			ok = heal(in, how, &last);
	if (ok && last > 0 && n_healed < sizeof(healed) / sizeof(healed[0]))
		healed[n_healed++] = last;
	note_witness(in);
}

static void check_batch(struct instance *list, unsigned int n)
{
	double left = n ? list[n - 1].acted + o.batch - now_ms() : 0;

	if (left > 0)
		usleep((useconds_t)(left * 1000));
	for (unsigned int i = 0; i < n; i++) {
		check(&list[i]);
		end(&list[i]);
	}
}

static bool is_excepted(const char *name)
{
	const char *at = o.but ? strstr(o.but, name) : NULL;
	size_t n = strlen(name);

	return at && (at == o.but || at[-1] == ',') && (!at[n] || at[n] == ',');
}

static void run(void)
{
	static struct instance list[MAX_BATCH];
	unsigned int n = 0;

	for (unsigned int i = 0; i < n_ops; i++) {
		if ((o.only && !strstr(ops[i].name, o.only)) || is_excepted(ops[i].name))
			continue;
		/*
		 * Each operation begins with another look, so that over all operations each look
		 * comes first.
		 */
		for (unsigned int how = i % o.part; how < N_LOOKS; how += o.part) {
			list[n] = (struct instance){ .op = &ops[i], .how = how };
			if (!begin(&list[n])) {
				end(&list[n]);
				break;
			}
			n++;
			if (n == (o.batch ? MAX_BATCH : 1)) {
				check_batch(list, n);
				n = 0;
			}
		}
	}
	check_batch(list, n);
}

static int judge(void)
{
	double median = part_of(healed, n_healed, 0.5), longest = part_of(healed, n_healed, 1);
	bool bad = n_failed || !n_checks;

	printf("mode %s: %lu checks, %lu mismatches at first look, healed: median %.1f ms, "
	       "longest %.1f ms, never %lu\n",
	       o.name, n_checks, n_bad, median, longest, n_never);
	printf("mode %s: half of %lu changes that were seen late within %.1f ms, 99 %% within "
	       "%.1f ms; %lu operations are not there\n",
	       o.name, n_healed, median, part_of(healed, n_healed, 0.99), n_skipped);
	if (o.first)
		bad = bad || n_bad;
	else if (o.longest)
		bad = bad || n_never || longest > o.longest || (o.median && median > o.median);
	if (n_heard)
		printf("mode %s: a bare inotify reader heard within: median %.1f ms, "
		       "99 %% %.1f ms, longest %.1f ms\n",
		       o.name, part_of(heard, n_heard, 0.5), part_of(heard, n_heard, 0.99),
		       part_of(heard, n_heard, 1));
	printf(bad ? "not ok %s: %lu wrong at first look, %lu never right, longest %.0f ms, "
		     "%lu operations failed\n" :
		     "ok %s\n",
	       o.name, n_bad, n_never, longest, n_failed);
	return bad;
}

int coherence_matrix(int argc, char **argv)
{
	static const struct option options[] = {
		{ "first", 0, NULL, 'f' }, { "median", 1, NULL, 'm' },  { "longest", 1, NULL, 'l' },
		{ "batch", 1, NULL, 'b' }, { "served", 0, NULL, 's' },  { "only", 1, NULL, 'o' },
		{ "but", 1, NULL, 'u' },   { "give-up", 1, NULL, 'g' }, { "part", 1, NULL, 'p' },
		{ NULL, 0, NULL, 0 },
	};
	struct rlimit limit = { 8192, 8192 };
	int c;

	while ((c = getopt_long(argc, argv, "+", options, NULL)) != -1) {
		switch (c) {
		case 'f':
			o.first = true;
			break;
		case 's':
			o.served = true;
			break;
		case 'm':
			o.median = atof(optarg);
			break;
		case 'l':
			o.longest = atof(optarg);
			break;
		case 'b':
			o.batch = atof(optarg);
			break;
		case 'o':
			o.only = optarg;
			break;
		case 'u':
			o.but = optarg;
			break;
		case 'p':
			o.part = (unsigned int)atoi(optarg);
			break;
		case 'g':
			o.give_up = atof(optarg);
			break;
		default:
			return 2;
		}
	}
	if (argc - optind != 4 || o.part < 1 || o.part > N_LOOKS)
		errx(2, "usage: coherence matrix [OPTIONS] NAME VIEW LOWER ACTOR");
	setrlimit(RLIMIT_NOFILE, &limit);
	umask(022);
	o.name = argv[optind];
	o.view = open_dir(argv[optind + 1]);
	o.lower = open_dir(argv[optind + 2]);
	o.actor = strcmp(argv[optind + 1], argv[optind + 3]) == 0 ? o.view :
								    open_dir(argv[optind + 3]);
	witness_start();
	run();
	return judge();
}
