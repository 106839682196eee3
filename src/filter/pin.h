/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* The maps of a filter under paths, where other programs and bpftool find them while it is loaded. */
#include <penstock/penstock.h>

struct bpf_object;
struct pin;

/*
 * Pins the object's own maps in a directory below a BPF file system, which is made if it is not there.
 * All or none.
 */
int pin_new(struct bpf_object *object, const char *dir, struct pin **ret_pin,
	    struct pst_error *error);
/* Removes what pin_new() made; the object must still be there. */
struct pin *pin_free(struct pin *pin);
