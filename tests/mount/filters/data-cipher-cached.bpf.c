// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#include "data-cipher.h"

PST_FILTER(PST_CACHEABLE, "a toy cipher, above which there is a page cache");
