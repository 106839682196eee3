// SPDX-License-Identifier: GPL-2.0-only
/*
 * Slots: the calls that programs can reach. They are the elements of the BPF array "pst_slots",
 * which the loader has made and all programs of a view share.
 *
 * The array is frozen, so no process can write to it. Programs can, at any time and to any slot.
 * A view holds the array from its first filter on. A slot belongs to one task from
 * pst_slot_get() to pst_slot_put(). A task that holds one never waits for another slot, and does
 * nothing in the lower file system, so slots come free soon.
 */
#include "filters/filters.h"

#include <linux/wait.h>

/* The value of an extended attribute is the largest data that programs see. */
#define MIN_SLOT (sizeof(struct pst_call) + XATTR_SIZE_MAX)

/* Returns the array of slots that a program uses; NULL: none. */
static struct bpf_map *map_of(struct bpf_prog *prog)
{
	struct bpf_map *map = NULL;

	mutex_lock(&prog->aux->used_maps_mutex);
	for (u32 i = 0; i < prog->aux->used_map_cnt && !map; i++)
		if (strcmp(prog->aux->used_maps[i]->name, "pst_slots") == 0)
			map = prog->aux->used_maps[i];
	mutex_unlock(&prog->aux->used_maps_mutex);
	return map;
}

/* Checks the slots of a program, and that they are those of the programs before it. */
int pst_slots_check(struct fs_context *fc, struct filter *f, struct bpf_prog *prog)
{
	struct bpf_map *map = map_of(prog);

	if (!map || map->map_type != BPF_MAP_TYPE_ARRAY || !(map->map_flags & BPF_F_MMAPABLE))
		return invalf(fc, "penstock: a program has no array pst_slots");
	if (!READ_ONCE(map->frozen))
		return invalf(fc, "penstock: pst_slots is not frozen");
	if (map->value_size < MIN_SLOT || map->value_size % PAGE_SIZE)
		return invalf(fc, "penstock: the slots of pst_slots have a wrong size");
	if (f->map && f->map != map)
		return invalf(fc, "penstock: the programs have different slots");
	f->map = map;
	return 0;
}

struct call_state {
	struct filter_call call;
	struct filter_saved saved;
};

/*
 * Returns the state of a call, for a slot of these filters; NULL: no memory, which cannot be if
 * @flags has __GFP_NOFAIL.
 */
struct filter_call *pst_call_new(const struct pst_filters *filters, gfp_t flags)
{
	struct call_state *state = kvmalloc(sizeof(*state), GFP_KERNEL_ACCOUNT | flags);

	if (!state)
		return NULL;
	state->call = (struct filter_call){
		.host = &pst_filter_host,
		.slot_room = filters->map->value_size - sizeof(struct pst_call),
		.saved = &state->saved,
	};
	return &state->call;
}

void pst_call_free(struct filter_call *call)
{
	if (call)
		kvfree(container_of(call, struct call_state, call));
}

/* Gives the slot another state. The caller gets the one that the slot has had. */
void pst_slot_swap(struct slot *slot, struct filter_call **call)
{
	swap(slot->call, *call);
	slot->call->slot = slot->memory;
	slot->call->slot_number = slot->number;
}

static struct slot *make_slot(const struct pst_filters *filters, unsigned int number)
{
	struct bpf_array *array = container_of(filters->map, struct bpf_array, map);
	struct slot *slot = kvzalloc(sizeof(*slot), GFP_KERNEL_ACCOUNT);
	struct filter_call *call = pst_call_new(filters, 0);

	if (!slot || !call) {
		kvfree(slot);
		pst_call_free(call);
		return NULL;
	}
	slot->memory = (struct pst_call *)(array->value + (size_t)array->elem_size * number);
	slot->number = number;
	pst_slot_swap(slot, &call);
	return slot;
}

static void free_slots(struct slot **slot, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++) {
		pst_call_free(slot[i]->call);
		kvfree(slot[i]);
	}
	kvfree(slot);
}

/* Makes the slots of a checked array, which the view keeps. Returns 0 or -ENOMEM. */
int pst_slots_make(struct pst_filters *filters, struct bpf_map *map)
{
	unsigned int n = min(map->max_entries, 2 * num_possible_cpus()), made;
	struct slot **slot = kvcalloc(n, sizeof(*slot), GFP_KERNEL_ACCOUNT);

	if (!slot)
		return -ENOMEM;
	filters->map = map;
	for (made = 0; made < n; made++) {
		slot[made] = make_slot(filters, made);
		if (!slot[made]) {
			free_slots(slot, made);
			filters->map = NULL;
			return -ENOMEM;
		}
	}
	/* The array stays when the last program has gone. */
	bpf_map_inc(map);
	filters->n_slots = n;
	/* A task that sees the slots sees all of this. */
	smp_store_release(&filters->slot, slot);
	return 0;
}

void pst_slots_free(struct pst_filters *filters)
{
	if (!filters->slot)
		return;
	free_slots(filters->slot, filters->n_slots);
	bpf_map_put(filters->map);
}

/* Takes the slot of this CPU, which is in the caches of this CPU, or another if it is busy. */
static struct slot *try_get(struct pst_filters *filters)
{
	unsigned int first = raw_smp_processor_id();

	for (unsigned int i = 0; i < filters->n_slots; i++) {
		struct slot *slot = filters->slot[(first + i) % filters->n_slots];

		if (!test_bit(0, &slot->busy) && !test_and_set_bit_lock(0, &slot->busy))
			return slot;
	}
	return NULL;
}

/*
 * Returns a slot. A task that is killed waits for it, too: the programs after an operation undo
 * what those before it have done.
 */
struct slot *pst_slot_get(struct pst_filters *filters)
{
	struct slot *slot = try_get(filters);

	if (!slot)
		wait_event(filters->wait, (slot = try_get(filters)));
	return slot;
}

void pst_slot_put(struct pst_filters *filters, struct slot *slot)
{
	clear_bit_unlock(0, &slot->busy);
	/* Pairs with the barrier of wait_event(): either the waiter sees the bit, or we see it. */
	smp_mb__after_atomic();
	if (waitqueue_active(&filters->wait))
		wake_up(&filters->wait);
}
