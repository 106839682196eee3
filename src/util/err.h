/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * The error contract. Every function that can fail returns int, and which of two kinds it is can be
 * told from its folder.
 *
 * Answers: fs/, node/ where it makes system calls, and the operations of a server. 0 or -errno, and
 * the number is what the caller of the view gets. -ENOENT is an ordinary result here.
 *
 * Engine: util/, wire/, chan/, filter/, core/. 0 is done. Negative means that this view cannot go
 * on; it is passed up unchanged and never compared with anything. Positive means one of the cases
 * that the function's header lists; its caller handles it and never passes it up.
 *
 * Only request/dispatch.c turns one kind into the other. FS_LATER (fs/fs.h) is the one positive
 * answer an operation may give: it has kept the request and answers once, later.
 *
 * Outputs are called ret_x, come last, and are untouched on failure. assert() is for our own
 * mistakes, never for input. Running out of memory is an error like others.
 */
