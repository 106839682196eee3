/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Pins the maps of a filter in a directory of a BPF file system, where other programs find them,
 * and the same filter finds them in the next mount. pin.c also defines the functions for pins of
 * filter.h.
 */
#include <penstock/penstock.h>

struct bpf_object;
struct pin;

/*
 * Opens and locks a directory for a filter, and creates it if it does not exist. identity names the
 * filter and the meaning of its maps. Refuses a directory that has the maps of another filter, with
 * an error that names both, or that a running filter uses. Returns 0, or -errno and *error.
 */
int pin_open(const char *dir, const char *identity, struct pin **ret_pin, struct pst_error *error);
/*
 * Replaces maps of the object by the pinned maps. Borrows the object, which must not be loaded yet.
 * Returns 0, or -errno and *error.
 */
int pin_adopt(struct pin *pin, struct bpf_object *object, struct pst_error *error);
/* Pins the maps that are not pinned yet: all, or none. The object must be loaded. */
int pin_maps(struct pin *pin, struct pst_error *error);
/* Removes the pinned maps, and the directory if it is empty then. */
void pin_remove(const struct pin *pin);
/*
 * Frees the pin. Without filter_keep_pin() before, also removes the pinned maps, and the directory
 * if pin_open() has created it.
 */
struct pin *pin_free(struct pin *pin);
