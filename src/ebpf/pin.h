/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * The maps of a filter under paths below a BPF file system, where other programs find them, and
 * where the same filter of the next mount finds them again.
 */
#include <penstock/penstock.h>

struct bpf_object;
struct pin;

/*
 * Opens a directory for a filter, and makes it where it is not there. identity says which filter it
 * is, and what its maps mean: a directory that another filter has left is refused, and so is one in
 * use by a living one.
 */
int pin_open(const char *dir, const char *identity, struct pin **ret_pin, struct pst_error *error);
/*
 * Before the object is loaded: the maps that are pinned there become its own. Borrows the object.
 */
int pin_adopt(struct pin *pin, struct bpf_object *object, struct pst_error *error);
/* After it was loaded: pins what is not pinned yet. All or nothing. */
int pin_maps(struct pin *pin, struct pst_error *error);
/* Another filter may use the directory for a time; takes it again, 0 or -errno. */
void pin_let_go(struct pin *pin);
int pin_take_again(struct pin *pin);
/*
 * The filter is in force: from now on what is pinned stays. Until then pin_free() removes what it
 * has made.
 */
void pin_keep(struct pin *pin);
/* Removes what is pinned there. */
void pin_remove(struct pin *pin);
struct pin *pin_free(struct pin *pin);
