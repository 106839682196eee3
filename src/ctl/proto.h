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
 * A request has a version, a verb, and members that depend on the verb. A reply has the members of
 * the verb, or "error" for users and "errno" for programs. The server replies to the requests of a
 * client in their order. After the reply to "trace" the view sends lines until either side closes
 * the connection, and reads no more requests. Members may be added to requests and replies within a
 * version; unknown members are ignored. Texts are escaped as util/utf8.h says, in both directions.
 */
#define CTL_VERSION   1
#define CTL_LINE_MAX  (64 << 10) /* bytes of a request, its newline included */
#define CTL_REPLY_MAX (4 << 20)  /* bytes of a reply */
#define CTL_PATH_MAX  108        /* bytes of the path of a socket, its NUL included */
