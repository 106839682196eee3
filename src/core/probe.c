// SPDX-License-Identifier: LGPL-2.1-or-later
#include <penstock/penstock.h>

int pst_probe(const char *lower, struct pst_probe *rows, size_t n, size_t *ret_n)
{
	*ret_n = 0;
	return 0;
}
