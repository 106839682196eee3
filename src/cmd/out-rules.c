// SPDX-License-Identifier: LGPL-2.1-or-later
/* Prints what `penstock rules` says about rules, for people. No state, no locks. */
#include "cmd/out.h"

#include <json-c/json.h>
#include <stdio.h>

static const char *text_of(struct json_object *object, const char *name)
{
	struct json_object *member = json_object_object_get(object, name);

	return member ? json_object_get_string(member) : NULL;
}

static long long number_of(struct json_object *object, const char *name)
{
	return json_object_get_int64(json_object_object_get(object, name));
}

void out_rules_check(struct json_object *answer)
{
	struct json_object *findings = json_object_object_get(answer, "findings");
	size_t n = json_object_array_length(findings);

	for (size_t i = 0; i < n; i++) {
		struct json_object *finding = json_object_array_get_idx(findings, i);

		const char *rule = text_of(finding, "rule");

		out_line("%s:%lld: %s%s%s%s", text_of(finding, "file"), number_of(finding, "line"),
			 rule ? "'" : "", rule ? rule : "", rule ? "' " : "",
			 text_of(finding, "text"));
	}
	if (!n)
		out_line("%s: %lld pattern%s, no mistakes found", text_of(answer, "file"),
			 number_of(answer, "patterns"),
			 number_of(answer, "patterns") == 1 ? "" : "s");
}

void out_rules_explain(struct json_object *answer)
{
	struct json_object *reasons = json_object_object_get(answer, "reasons");

	out_line("%s", text_of(answer, "path"));
	for (size_t i = 0; i < json_object_array_length(reasons); i++) {
		struct json_object *reason = json_object_array_get_idx(reasons, i);
		const char *means = text_of(reason, "means");

		out_line("    %s%s%s", text_of(reason, "what"), means ? ": " : "",
			 means ? means : "");
		if (text_of(reason, "rule"))
			out_line("        %s:%lld: %s", text_of(reason, "file"),
				 number_of(reason, "line"), text_of(reason, "rule"));
	}
}
