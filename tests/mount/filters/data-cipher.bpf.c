// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#include "data-cipher.h"

PST_FILTER(0, "a toy cipher, for each caller's own reads and writes");
