// SPDX-License-Identifier: LGPL-2.1-or-later
/* Why a filter was refused, in a line or two. */
#include "ebpf/explain.h"
#include "ebpf/reason.h"
#include "util/caps.h"
#include "util/log.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/capability.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

int explain_eperm(const char *what, struct pst_error *error)
{
	bool bpf = caps_have(CAP_BPF), perfmon = caps_have(CAP_PERFMON);

	/* BPF belongs to the machine: capabilities in another user namespace do not count. */
	if (caps_in_user_namespace())
		return error_set(
			error, -EPERM,
			"the kernel does not allow %s: this process is in a user namespace, "
			"where its capabilities do not count for BPF; run it outside",
			what);
	if (!caps_have(CAP_SYS_ADMIN) && !(bpf && perfmon))
		return error_set(
			error, -EPERM,
			"the kernel does not allow %s: this process lacks %s%s%s; run it as "
			"root, or with these capabilities or CAP_SYS_ADMIN",
			what, bpf ? "" : "CAP_BPF", bpf || perfmon ? "" : " and ",
			perfmon ? "" : "CAP_PERFMON");
	if (caps_lockdown())
		return error_set(error, -EPERM,
				 "the kernel does not allow %s although the process has the "
				 "capabilities: it is locked down (" CAPS_LOCKDOWN_FILE ")",
				 what);
	return error_set(
		error, -EPERM,
		"the kernel does not allow %s although the process has the capabilities: a "
		"security module, a seccomp filter or the container's settings forbid bpf(2)",
		what);
}

/*
 * What stands behind a phrase in what libbpf said, up to the end of the line or of the quoted word.
 * False: it did not say so.
 */
static bool find_said(const char *said, const char *phrase, char *buf, size_t size)
{
	const char *at = said ? strstr(said, phrase) : NULL;

	if (!at)
		return false;
	at += strlen(phrase);
	snprintf(buf, size, "%.*s", (int)strcspn(at, "'\n"), at);
	return true;
}

/* What libbpf itself said first: the later messages only say that therefore more has failed. */
static void first_message(const char *said, char *buf, size_t size)
{
	if (!said)
		said = "";
	if (strncmp(said, "libbpf: ", 8) == 0)
		said += 8;
	snprintf(buf, size, "%.*s", (int)strcspn(said, "\n"), said);
}

int explain_open(const char *path, int error_number, const char *said, struct pst_error *error)
{
	char word[64];

	if (error_number == -ENOMEM)
		return error_set(error, error_number, "cannot open the filter %.300s: %s", path,
				 strerror(-error_number));
	if (find_said(said, "extern '", word, sizeof(word)))
		return error_set(
			error, -EINVAL,
			"%.200s uses '%s', which is not in it: filters have no library and "
			"are linked to nothing, so define it, static, in the filter's source",
			path, word);
	if (find_said(said, "BTF is required", word, sizeof(word)))
		return error_set(error, -EINVAL, "%.300s was compiled without -g, which it needs",
				 path);
	return error_set(error, -EINVAL,
			 "%.300s is not an eBPF object as clang -target bpf makes it", path);
}

static int explain_verifier(int error_number, const char *said, const struct reason *reason,
			    struct pst_error *error)
{
	const char *hint = reason_hint(reason);
	char program[64];

	/* "libbpf: prog 'NAME': BPF program load failed: ..." */
	if (!find_said(said, "prog '", program, sizeof(program)))
		strcpy(program, "the filter");
	return error_set(error, error_number, "the verifier refuses %.60s: %.150s%s%.110s%s%s%s%s",
			 program, reason->text, *reason->source ? ", at `" : "", reason->source,
			 *reason->source ? "`" : "", reason->where, hint ? ": " : "",
			 hint ? hint : "");
}

int explain_load(int error_number, const char *said, const char *verifier_log,
		 struct pst_error *error)
{
	struct reason reason;
	char message[300];

	if (reason_find(verifier_log, &reason))
		return explain_verifier(error_number, said, &reason, error);
	if (error_number == -EPERM)
		return explain_eperm("loading a filter", error);
	if (libbpf_probe_bpf_prog_type(BPF_PROG_TYPE_SYSCALL, NULL) == 0)
		return error_set(error, -EOPNOTSUPP,
				 "this kernel has no programs of the kind that filters are "
				 "(BPF_PROG_TYPE_SYSCALL): filters need Linux 5.14 or newer");
	if (error_number == -ENOSPC && *verifier_log)
		return error_set(
			error, error_number,
			"the verifier has more to say of the filter than there is room for, "
			"as it has of long loops: use bpf_loop(), or pst_data_each() for data");
	first_message(said, message, sizeof(message));
	return error_set(error, error_number, "the kernel refuses the filter: %s%s%s",
			 strerror(-error_number), *message ? ": " : "", message);
}
