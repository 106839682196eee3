// SPDX-License-Identifier: GPL-2.0-only
/* posix_acl_to_xattr() allocates the value. */
#include <linux/posix_acl_xattr.h>

typeof(posix_acl_to_xattr(NULL, NULL, (size_t *)0, GFP_KERNEL)) probe = &probe;
