/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * A toy cipher: the lower file has other bytes than the view shows. The cipher of a byte depends on
 * its offset, so a read or write that bypasses the filter, or that the filter sees at a wrong
 * offset, shows as a wrong byte. The cipher is its own inverse, and zeros stay zeros, so that holes
 * look the same on both sides.
 */
#include <penstock/filter.bpf.h>

PST_DATA_FN(cipher, block, len, at, aux)
{
	__u64 place = *(__u64 *)aux + at;

	for (__u32 i = 0; i < PST_BLOCK; i++, place++) {
		__u8 c = block[i];

		if (i >= len)
			break;
		/* Either swaps the halves of the byte, or negates it. */
		block[i] = (place ^ place >> 7 ^ place >> 12 ^ place >> 20) & 1 ? -c :
										  (c << 4 | c >> 4);
	}
	return 0;
}

PST_PRE(write, call)
{
	__u64 place = call->in.write.offset;

	pst_data_each(call, cipher, &place);
	return PST_PASS;
}

PST_POST(read, call)
{
	__u64 place = call->in.read.offset;

	if (!call->error)
		pst_data_each(call, cipher, &place);
	return PST_PASS;
}
