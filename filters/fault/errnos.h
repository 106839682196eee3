/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* The numbers of errnos by their names; the numbers are those of the machine that compiles this. */

struct errno_row {
	char name[16];
	__u32 number;
};

#define E(NAME) { #NAME, NAME }

static const struct errno_row errnos[] = {
	E(EPERM), E(ENOENT), E(ESRCH), E(EINTR), E(EIO), E(ENXIO), E(E2BIG), E(ENOEXEC),
	E(EBADF), E(ECHILD), E(EAGAIN), E(ENOMEM), E(EACCES), E(EFAULT), E(ENOTBLK), E(EBUSY),
	E(EEXIST), E(EXDEV), E(ENODEV), E(ENOTDIR), E(EISDIR), E(EINVAL), E(ENFILE), E(EMFILE),
	E(ENOTTY), E(ETXTBSY), E(EFBIG), E(ENOSPC), E(ESPIPE), E(EROFS), E(EMLINK), E(EPIPE),
	E(EDOM), E(ERANGE), E(EDEADLK), E(ENAMETOOLONG), E(ENOLCK), E(ENOSYS), E(ENOTEMPTY),
	E(ELOOP), E(ENOMSG), E(EIDRM), E(ECHRNG), E(EL2NSYNC), E(EL3HLT), E(EL3RST), E(ELNRNG),
	E(EUNATCH), E(ENOCSI), E(EL2HLT), E(EBADE), E(EBADR), E(EXFULL), E(ENOANO), E(EBADRQC),
	E(EBADSLT), E(EBFONT), E(ENOSTR), E(ENODATA), E(ETIME), E(ENOSR), E(ENONET), E(ENOPKG),
	E(EREMOTE), E(ENOLINK), E(EADV), E(ESRMNT), E(ECOMM), E(EPROTO), E(EMULTIHOP),
	E(EDOTDOT), E(EBADMSG), E(EOVERFLOW), E(ENOTUNIQ), E(EBADFD), E(EREMCHG), E(ELIBACC),
	E(ELIBBAD), E(ELIBSCN), E(ELIBMAX), E(ELIBEXEC), E(EILSEQ), E(ERESTART), E(ESTRPIPE),
	E(EUSERS), E(ENOTSOCK), E(EDESTADDRREQ), E(EMSGSIZE), E(EPROTOTYPE), E(ENOPROTOOPT),
	E(EPROTONOSUPPORT), E(ESOCKTNOSUPPORT), E(EOPNOTSUPP), E(EPFNOSUPPORT), E(EAFNOSUPPORT),
	E(EADDRINUSE), E(EADDRNOTAVAIL), E(ENETDOWN), E(ENETUNREACH), E(ENETRESET),
	E(ECONNABORTED), E(ECONNRESET), E(ENOBUFS), E(EISCONN), E(ENOTCONN), E(ESHUTDOWN),
	E(ETOOMANYREFS), E(ETIMEDOUT), E(ECONNREFUSED), E(EHOSTDOWN), E(EHOSTUNREACH),
	E(EALREADY), E(EINPROGRESS), E(ESTALE), E(EUCLEAN), E(ENOTNAM), E(ENAVAIL), E(EISNAM),
	E(EREMOTEIO), E(EDQUOT), E(ENOMEDIUM), E(EMEDIUMTYPE), E(ECANCELED), E(ENOKEY),
	E(EKEYEXPIRED), E(EKEYREVOKED), E(EKEYREJECTED), E(EOWNERDEAD), E(ENOTRECOVERABLE),
	E(ERFKILL), E(EHWPOISON),
};

#undef E
#define N_ERRNOS (sizeof(errnos) / sizeof(errnos[0]))

/* Constant while the table is gone through, but for the result. */
struct errno_search {
	__u32 number;
};

PST_LOOP(errno_try, i, ctx)
{
	struct errno_search *search = ctx;

	if (i >= N_ERRNOS)
		return 1;
	for (int k = 0; k < 16; k++) {
		if (errnos[i].name[k] != error[k])
			return 0;
		if (!error[k])
			break;
	}
	search->number = errnos[i].number;
	return 1;
}

/* The number that the option says, or EINVAL where it says none. */
static __attribute__((noinline)) int error_number(void)
{
	struct errno_search search = { .number = EINVAL };
	__u32 number = 0;

	if (error[0] < '0' || error[0] > '9') {
		bpf_loop(N_ERRNOS, errno_try, &search, 0);
		return search.number;
	}
	for (int i = 0; i < 4 && error[i]; i++) {
		if (error[i] < '0' || error[i] > '9')
			return EINVAL;
		number = 10 * number + (error[i] - '0');
	}
	return number < 512 ? number : EINVAL;
}
