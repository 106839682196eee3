/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * The control protocol: JSON, one object a line, over a unix socket for each mounted view.
 *
 *	> {"version":1,"verb":"stat"}
 *	< {"version":1,"lower":"/srv/tree",...}
 *	> {"version":1,"verb":"sing"}
 *	< {"version":1,"error":"there is no verb \"sing\"","errno":95}
 *
 * A request names the version it speaks and a verb; what else it holds is the verb's own. A reply
 * holds what the verb answers, or "error" for people and "errno" for programs. Requests of one
 * client are answered in their order. After the reply to "trace" the connection is the trace's:
 * lines come until one side hangs up, and nothing more is read. Members may be added to requests
 * and replies within a version: whoever reads skips what it does not know. Texts have the form of
 * util/utf8.h in both directions: they are valid UTF-8, whatever bytes the names in them are made
 * of.
 */
#define CTL_VERSION 1
#define CTL_LINE_MAX (64 << 10)		/* bytes of a request, its newline included */
#define CTL_REPLY_MAX (4 << 20)		/* bytes of a reply */
#define CTL_PATH_MAX 108		/* bytes of a socket's name, its NUL included */
