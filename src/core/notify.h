/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* What we tell the kernel unasked. Never from inside a request: it may hold what this waits for. */
#include "chan/chan.h"
#include "fs/fs.h"

/* All that the kernel keeps of names, attributes and data is asked for anew from now on. */
void notify_all(struct chan *chan, struct fs *fs);
