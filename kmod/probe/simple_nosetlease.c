// SPDX-License-Identifier: GPL-2.0-only
/* simple_nosetlease() refuses leases. */

typeof(simple_nosetlease(NULL, 0, NULL, NULL)) probe;
