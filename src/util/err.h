/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * The error contract. Every function that can fail returns int. Its folder tells which of two kinds
 * of functions it is.
 *
 * Answers: fs/, node/ and mount/ where they make system calls, ebpf/, and the operations of a
 * server. They return 0 or -errno, and the caller of the view or of the library gets that number.
 * -ENOENT is an ordinary result.
 *
 * Engine: util/, wire/, transport/, request/, server/. 0 means done. A negative number means that
 * the view cannot go on: callers return it unchanged and never compare it. A positive number is one
 * of the cases that the function's header lists: the caller handles it and never returns it.
 *
 * Only request/dispatch.c turns one kind into the other. FS_LATER (fs/fs.h) is the only positive
 * answer of an operation: the operation has kept the request, and answers it once, later.
 *
 * Outputs are called ret_x, come last, and are untouched on failure. assert() is for errors of this
 * program, never for input. Running out of memory is an error like others.
 */
