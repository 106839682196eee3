// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/* Changes reads and writes as its options say. */
#include <penstock/filter.bpf.h>

PST_FILTER(0, "changes reads and writes");

PST_OPTION(__u64, read_on, "read so many bytes further on");
PST_OPTION(__u32, read_size, "ask for no more bytes than this");
PST_OPTION(__u32, read_len, "show no more of them than this");
PST_OPTION(__u32, read_error, "refuse to read: this errno");
PST_OPTION(__u32, hide_error, "refuse what was read: this errno");
PST_OPTION(__u32, read_instead, "answer so many bytes 'i', without reading");
PST_OPTION(__u32, read_mended, "where reading fails, show so many bytes 'm'");
PST_OPTION(__u64, write_on, "write so many bytes further on");
PST_OPTION(__u32, write_len, "write no more bytes than this");
PST_OPTION(__u32, write_error, "refuse to write: this errno");
PST_OPTION(__u32, lost_error, "write, and say it has failed: this errno");
PST_OPTION(__u32, write_claim, "say that so many bytes were written");
PST_OPTION(_Bool, write_nowhere, "say that all was written, without writing");
PST_OPTION(_Bool, upper, "small letters are written as capitals");
PST_OPTION(__u32, grow, "claim this many bytes more of data than there were");

PST_DATA_FN(to_upper, block, len, at, aux)
{
	for (int i = 0; i < PST_BLOCK; i++)
		if (block[i] >= 'a' && block[i] <= 'z')
			block[i] -= 'a' - 'A';
	return 0;
}

PST_DATA_FN(fill, block, len, at, aux)
{
	for (int i = 0; i < PST_BLOCK; i++)
		block[i] = *(char *)aux;
	return 0;
}

static __always_inline void answer(struct pst_call *call, __u32 n, char c)
{
	call->data_len = n < call->data_size ? n : call->data_size;
	pst_data_each(call, fill, &c);
}

PST_PRE(read, call)
{
	if (read_error)
		return -(int)read_error;
	if (read_instead) {
		answer(call, read_instead, 'i');
		return PST_DONE;
	}
	call->in.read.offset += read_on;
	if (read_size && call->in.read.size > read_size)
		call->in.read.size = read_size;
	return PST_PASS;
}

PST_POST(read, call)
{
	if (call->error && read_mended) {
		answer(call, read_mended, 'm');
		return PST_DONE;
	}
	if (call->error)
		return PST_PASS;
	if (hide_error)
		return -(int)hide_error;
	if (read_len && call->data_len > read_len)
		call->data_len = read_len;
	if (grow)
		call->data_len = call->data_size + grow;
	return PST_PASS;
}

PST_PRE(write, call)
{
	if (write_error)
		return -(int)write_error;
	if (write_nowhere) {
		call->out.write.size = call->data_len;
		return PST_DONE;
	}
	call->in.write.offset += write_on;
	if (write_len && call->data_len > write_len)
		call->data_len = write_len;
	if (upper)
		pst_data_each(call, to_upper, NULL);
	call->data_len += grow;
	return PST_PASS;
}

PST_POST(write, call)
{
	if (lost_error)
		return -(int)lost_error;
	if (!call->error && write_claim)
		call->out.write.size = write_claim;
	return PST_PASS;
}
