// SPDX-License-Identifier: GPL-2.0-only
/*
 * Compiles on every kernel. If it does not, the build stops, because then the results of the other
 * probes mean nothing. A probe declares a variable of the type that an expression has.
 */

typeof(((struct inode *)0)->i_mode) probe;
