/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Trying what may end the process that does it. */
#include <stdbool.h>

/* Runs fn(aux) in a process of its own. False: it ended that process, or took it seconds. */
bool trial_survives(void (*fn)(const void *aux), const void *aux);
