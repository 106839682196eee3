// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Opens an object: a child process reads the file (ebpf/reader.c), libbpf opens the bytes that the
 * child has read, and this file checks that the object is a filter for this ABI. Names and types of
 * the object's constants come from its BTF. No state, no locks.
 */
#include "ebpf/object.h"
#include "ebpf/explain.h"
#include "ebpf/spec.h"
#include "util/cleanup.h"
#include "util/log.h"

#include <errno.h>
#include <linux/btf.h>
#include <stdlib.h>
#include <string.h>

/*
 * The size of the buffer for the verifier's log. Without a buffer, libbpf would load the object
 * again and again, each time with twice the room, until the log fits. The log of a loop that the
 * verifier follows to its end has a hundred megabytes, so the most common mistake would take
 * minutes. If the log does not fit, newer kernels keep its end, which has the reason.
 */
#define VERIFIER_LOG (16 << 20)

const char *object_word(const struct btf *btf, uint32_t offset)
{
	const char *word = btf__name_by_offset(btf, offset);

	return word ? word : "";
}

bool object_var(const struct object *object, unsigned int i, struct object_var *ret_var)
{
	int section = btf__find_by_name_kind(object->btf, ".rodata", BTF_KIND_DATASEC);
	const struct btf_type *type = section > 0 ? btf__type_by_id(object->btf, section) : NULL;
	const struct btf_var_secinfo *info;
	const struct btf_type *var;

	if (!type || i >= btf_vlen(type))
		return false;
	info = &btf_var_secinfos(type)[i];
	var = btf__type_by_id(object->btf, info->type);
	*ret_var = (struct object_var){
		.name = var ? object_word(object->btf, var->name_off) : "",
		.id = info->type,
		.type = var ? var->type : 0,
		.at = object->rodata + info->offset,
		.size = info->size,
	};
	/* Without this check a damaged object could make this process overwrite other memory. */
	if ((size_t)info->offset + info->size > object->rodata_size)
		ret_var->size = 0;
	return true;
}

bool object_find_var(const struct object *object, const char *name, struct object_var *ret_var)
{
	struct object_var var;

	for (unsigned int i = 0; object_var(object, i, &var); i++)
		if (strcmp(var.name, name) == 0) {
			*ret_var = var;
			return true;
		}
	return false;
}

/* Returns the text after the kind if the type is a note of this kind on a variable, or NULL. */
static const char *note_of(const struct object *object, const struct btf_type *type,
			   const char *kind)
{
	const char *text;

	if (!btf_is_decl_tag(type))
		return NULL;
	text = object_word(object->btf, type->name_off);
	return strncmp(text, kind, strlen(kind)) ? NULL : text + strlen(kind);
}

const char *object_note(const struct object *object, const struct object_var *var, const char *kind,
			unsigned int i)
{
	for (uint32_t id = 1; id < btf__type_cnt(object->btf); id++) {
		const struct btf_type *type = btf__type_by_id(object->btf, id);
		const char *text = note_of(object, type, kind);

		if (text && (!var || type->type == var->id) && i-- == 0)
			return text;
	}
	return NULL;
}

bool object_is_text(const struct object *object, const struct object_var *var)
{
	const struct btf_type *type = btf__type_by_id(object->btf, var->type);

	while (type && btf_is_mod(type))
		type = btf__type_by_id(object->btf, type->type);
	return type && btf_is_array(type);
}

static bool is_constant(const struct object *object, uint32_t id)
{
	struct object_var var;

	for (unsigned int i = 0; object_var(object, i, &var); i++)
		if (var.id == id)
			return true;
	return false;
}

const char *object_variable_option(const struct object *object)
{
	for (uint32_t id = 1; id < btf__type_cnt(object->btf); id++) {
		const struct btf_type *type = btf__type_by_id(object->btf, id), *var;

		if (!note_of(object, type, OBJECT_OPTION) || is_constant(object, type->type))
			continue;
		var = btf__type_by_id(object->btf, type->type);
		return var ? object_word(object->btf, var->name_off) : "";
	}
	return NULL;
}

/* Checks that the object is a filter of this ABI, and fills object->info. */
static int check_info(struct object *object, const char *path, struct pst_error *error)
{
	struct object_var var;
	uint32_t abi;

	if (!object->btf || !object->rodata || !object_find_var(object, "pst_filter", &var) ||
	    var.size < sizeof(abi))
		return error_set(error, -EINVAL,
				 "%.300s is not a Penstock filter: it has no PST_FILTER(), or was "
				 "compiled without -g",
				 path);
	memcpy(&abi, var.at, sizeof(abi));
	if (abi != PST_FILTER_ABI)
		return error_set(
			error, -EINVAL,
			"%.300s was built for version %u of the filter ABI, and this Penstock "
			"has version %u: compile it again with the headers of this version",
			path, abi, PST_FILTER_ABI);
	if (var.size != sizeof(object->info))
		return error_set(
			error, -EINVAL,
			"%.300s is not a Penstock filter: its PST_FILTER() has %zu bytes instead "
			"of %zu",
			path, var.size, sizeof(object->info));
	memcpy(&object->info, var.at, sizeof(object->info));
	object->info.summary[sizeof(object->info.summary) - 1] = '\0';
	if (!bpf_object__find_map_by_name(object->bpf, "pst_slots") ||
	    !object_find_var(object, "pst_data_size", &var) || var.size != sizeof(uint32_t))
		return error_set(error, -EINVAL,
				 "%.300s is not a Penstock filter: it does not include "
				 "<penstock/filter.bpf.h>",
				 path);
	return 0;
}

static int refuse(const char *path, int error_number, struct pst_error *error)
{
	_cleanup_(freep) char *said = capture_take();

	return explain_open(path, error_number, said, error);
}

static int open_bytes(const char *path, const void *bytes, size_t size, struct object *ret_object,
		      struct pst_error *error)
{
	_cleanup_(object_fini) struct object object = { .verifier_log = malloc(VERIFIER_LOG) };
	_cleanup_(freep) char *name = spec_name(path);
	LIBBPF_OPTS(bpf_object_open_opts, opts, .kernel_log_buf = object.verifier_log,
		    .kernel_log_size = VERIFIER_LOG, .object_name = name);
	struct bpf_map *rodata;
	int r;

	if (!object.verifier_log || !name)
		return error_set(error, -ENOMEM, "out of memory");
	object.verifier_log[0] = '\0';
	object.bpf = bpf_object__open_mem(bytes, size, &opts);
	if (!object.bpf)
		return refuse(path, -errno, error);
	object.btf = bpf_object__btf(object.bpf);
	rodata = bpf_object__find_map_by_name(object.bpf, ".rodata");
	if (rodata)
		object.rodata = (char *)bpf_map__initial_value(rodata, &object.rodata_size);
	r = check_info(&object, path, error);
	if (r < 0)
		return r;
	*ret_object = object;
	object = (struct object){ 0 };
	return 0;
}

int object_try(const char *path, const void *bytes, size_t size, struct pst_error *error)
{
	_cleanup_(capture_end) struct capture capture = capture_begin();
	_cleanup_(object_fini) struct object object = { 0 };

	return open_bytes(path, bytes, size, &object, error);
}

int object_open(const char *what, char **ret_path, struct object *ret_object,
		struct pst_error *error)
{
	_cleanup_(object_file_fini) struct object_file file = { 0 };
	int r = reader_read(what, &file, error);

	if (r == 0)
		r = open_bytes(file.path, file.bytes, file.size, ret_object, error);
	if (r < 0)
		return r;
	*ret_path = take_ptr(file.path);
	ret_object->file = file;
	file = (struct object_file){ 0 };
	return 0;
}

void object_fini(struct object *object)
{
	bpf_object__close(object->bpf);
	object_file_fini(&object->file);
	free(object->verifier_log);
	*object = (struct object){ 0 };
}
