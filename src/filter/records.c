// SPDX-License-Identifier: LGPL-2.1-or-later
#include "filter/records.h"

/* FNV-1a; reads each byte once. Returns false if a byte cannot be part of a name. */
static bool hash_name(const char *name, uint32_t len, uint64_t *ret_hash)
{
	uint64_t hash = 0xcbf29ce484222325ULL;

	for (uint32_t i = 0; i < len; i++) {
		unsigned char byte = (unsigned char)port_read_once(name[i]);

		if (!byte || byte == '/')
			return false;
		hash = (hash ^ byte) * 0x100000001b3ULL;
	}
	*ret_hash = hash;
	return true;
}

int records_next(const char *data, size_t len, bool plus, struct record *record)
{
	size_t head = plus ? FUSE_NAME_OFFSET_DIRENTPLUS : FUSE_NAME_OFFSET;
	size_t at = record->at + record->size, left = len - at;
	uint32_t name_len;

	if (!left)
		return 0;
	if (left < head)
		return -EINVAL;
	if (plus)
		port_fetch(&record->entry, data + at, sizeof(record->entry));
	port_fetch(&record->dirent, data + at + head - FUSE_NAME_OFFSET, FUSE_NAME_OFFSET);
	name_len = record->dirent.namelen;
	if (!name_len || name_len >= PST_NAME_SIZE)
		return -EINVAL;
	record->at = at;
	record->size = FUSE_REC_ALIGN(head + name_len);
	if (record->size > left || !hash_name(data + at + head, name_len, &record->name))
		return -EINVAL;
	return 1;
}

size_t records_note(const char *data, size_t len, bool plus, struct filter_entry_id *ids,
		    size_t room, uint64_t *ret_end)
{
	struct record record = { 0 };
	size_t n = 0;

	*ret_end = 0;
	while (records_next(data, len, plus, &record) > 0) {
		*ret_end = record.dirent.off;
		if (!record.entry.nodeid || n == room)
			continue;
		ids[n++] = (struct filter_entry_id){
			.nodeid = record.entry.nodeid,
			.generation = record.entry.generation,
			.name = record.name,
			.type = record.entry.attr.mode & S_IFMT,
			.uid = record.entry.attr.uid,
			.gid = record.entry.attr.gid,
		};
	}
	return n;
}

/*
 * Returns whether the record has no file, or one of call->ids from *at on, under the same name. The
 * kernel would cache the file under any name that the record has.
 */
static bool take_id(struct filter_call *call, const struct record *record, size_t *at)
{
	const struct fuse_entry_out *entry = &record->entry;
	struct filter_entry_id *id;

	if (!entry->nodeid)
		return true;
	while (*at < call->n_ids && call->ids[*at].nodeid != entry->nodeid)
		(*at)++;
	/* The kernel refuses an inode with a larger size. */
	if (*at == call->n_ids || entry->attr.size > INT64_MAX)
		return false;
	id = &call->ids[(*at)++];
	if (id->generation != entry->generation || id->name != record->name ||
	    id->type != (entry->attr.mode & S_IFMT))
		return false;
	id->listed = true;
	id->at = (uint32_t)record->at;
	id->shown_mode = entry->attr.mode;
	id->shown_uid = entry->attr.uid;
	id->shown_gid = entry->attr.gid;
	return true;
}

bool records_validate(struct filter_call *call)
{
	bool plus = call->opcode == FUSE_READDIRPLUS;
	struct record record = { 0 };
	size_t at = 0;
	int r;

	for (size_t i = 0; i < call->n_ids; i++)
		call->ids[i].listed = false;
	while ((r = records_next(call->slot->data, call->answer_len, plus, &record)) > 0)
		if (plus && !take_id(call, &record, &at))
			return false;
	return r == 0;
}
