/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Pins the maps of a filter under paths of a BPF file system, where other programs find them, and
 * where the same filter finds them in the next mount. pin.c also has the functions for pins of
 * filter.h.
 */
#include <penstock/penstock.h>

struct bpf_object;
struct pin;

/*
 * Opens a directory for a filter, and makes it if it does not exist. identity says which filter it
 * is and what its maps mean: the directory of another filter is refused with an error that names
 * both, and so is one that a filter in force uses. Returns 0, or -errno with *error set.
 */
int pin_open(const char *dir, const char *identity, struct pin **ret_pin, struct pst_error *error);
/*
 * Makes the pinned maps those of the object, which it borrows. Call it before the object is loaded.
 */
int pin_adopt(struct pin *pin, struct bpf_object *object, struct pst_error *error);
/* Pins the other maps after the object was loaded: all, or none. */
int pin_maps(struct pin *pin, struct pst_error *error);
/*
 * Frees the pin. Without filter_keep_pin() it removes the pinned maps and the directory that it has
 * made.
 */
struct pin *pin_free(struct pin *pin);
