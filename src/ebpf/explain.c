// SPDX-License-Identifier: LGPL-2.1-or-later
/* Explains in a line or two why a filter was refused. */
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
			"and its capabilities there do not count for BPF; run it outside",
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
				 "capabilities: kernel lockdown is on (" CAPS_LOCKDOWN_FILE ")",
				 what);
	return error_set(
		error, -EPERM,
		"the kernel does not allow %s although the process has the capabilities: a "
		"security module, a seccomp filter or the container's settings forbid bpf(2)",
		what);
}

/*
 * Copies the text after a phrase of libbpf, up to the end of the line or of the quoted word.
 * Returns false if libbpf has not printed the phrase.
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

int explain_open(const char *path, int error_number, const char *said, struct pst_error *error)
{
	char word[64];

	if (error_number == -ENOMEM)
		return error_set(error, error_number, "cannot open the filter %.300s: %s", path,
				 strerror(-error_number));
	if (find_said(said, "extern '", word, sizeof(word)))
		return error_set(
			error, -EINVAL,
			"%.200s uses '%s', which it does not define: filters are not linked "
			"with any library, so define it, static, in the filter's source",
			path, word);
	if (find_said(said, "BTF is required", word, sizeof(word)))
		return error_set(error, -EINVAL,
				 "%.300s was compiled without -g: compile it with -g", path);
	return error_set(error, -EINVAL,
			 "%.300s is not an eBPF object (clang -target bpf makes one)", path);
}

int explain_load(int error_number, const char *said, const char *verifier_log,
		 struct pst_error *error)
{
	char reason[480], program[64];

	if (!said)
		said = "";
	if (reason_find(verifier_log, reason, sizeof(reason))) {
		/* "libbpf: prog 'NAME': BPF program load failed: ..." */
		if (!find_said(said, "prog '", program, sizeof(program)))
			strcpy(program, "the filter");
		return error_set(error, error_number, "the verifier refuses %.60s: %s", program,
				 reason);
	}
	if (error_number == -EPERM)
		return explain_eperm("loading a filter", error);
	if (libbpf_probe_bpf_prog_type(BPF_PROG_TYPE_SYSCALL, NULL) == 0)
		return error_set(error, -EOPNOTSUPP,
				 "this kernel does not have the programs that filters consist of "
				 "(BPF_PROG_TYPE_SYSCALL): filters need Linux 5.14 or newer");
	if (error_number == -ENOSPC && *verifier_log)
		return error_set(
			error, error_number,
			"the verifier's log is too long, as it is for long loops: use bpf_loop(), "
			"or pst_data_each() for data");
	/* libbpf prints the cause first. */
	if (strncmp(said, "libbpf: ", 8) == 0)
		said += 8;
	return error_set(error, error_number, "the kernel refuses the filter: %s%s%.*s",
			 strerror(-error_number), *said ? ": " : "", (int)strcspn(said, "\n"),
			 said);
}
