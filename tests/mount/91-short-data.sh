# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# A filter that shortens reads and writes changes only the results of read(2) and write(2). The
# kernel would take a short reply to a read of its page cache for the end of the file.

short_lower() {
	need_filters
	lower ext4
	head -c 51200 /dev/urandom > "$LOWER/big"
}

# Checks that all ways to read but read(2) return the whole file.
whole() { # WHAT
	local copy
	check cmp "$LOWER/big" "$VIEW/big"
	rm -f "$LOWER/copy"
	check cp "$VIEW/big" "$VIEW/copy"
	check cmp "$LOWER/big" "$LOWER/copy"
	check cp "$VIEW/big" "$T/copy"
	check cmp "$LOWER/big" "$T/copy"
	copy=$(python3 -c 'import mmap, os, sys
path = sys.argv[2]
def read(fd):
    pipe_r, pipe_w = os.pipe()
    all = b""
    while True:
        n = os.splice(fd, pipe_w, 20000)
        if not n: return all
        all += os.read(pipe_r, n)
for flags in mmap.MAP_PRIVATE, mmap.MAP_SHARED:
    fd = os.open(path, os.O_RDONLY)
    size = os.fstat(fd).st_size
    try:
        data = mmap.mmap(fd, size, flags, mmap.PROT_READ)[:]
    except OSError as e:
        if e.errno != 19 or flags == mmap.MAP_PRIVATE: raise
        continue
    assert data == open(sys.argv[1], "rb").read(), "mapping %d" % flags
    assert read(fd) == data, "splice"
    assert os.fstat(fd).st_size == size == os.stat(path).st_size, "size"
out = os.open(os.devnull, os.O_WRONLY)
assert os.sendfile(out, fd, 0, size) == size, "sendfile"
print("right")' "$LOWER/big" "$VIEW/big")
	equal "$copy" right "$1"
}

each_short_reads_reach_read_alone() {
	local spec
	short_lower
	for spec in fault,ops=read,shorten=700 data-change,read_size=700 \
		data-change,read_len=700; do
		filtered_view "$spec"
		equal "$(dd if="$VIEW/big" bs=4096 count=1 status=none | wc -c)" 700 \
			"one read with $spec"
		whole "$spec"
		unview
	done
}

each_page_cache_of_a_shortening_filter_is_whole() {
	local spec
	short_lower
	for spec in short,ask=700 short,give=700 short,ask=5000,give=4097; do
		filtered_view "$spec"
		whole "$spec"
		equal "$(dd if="$VIEW/big" bs=51200 count=1 status=none | wc -c)" 51200 \
			"one read with $spec"
		equal "$(ran bad short)" 0 "runs that failed"
		unview
	done
}

# Stores into a mapping are written back completely, or fsync(2) reports the loss.
each_stores_are_written_back_whole() {
	short_lower
	local spec
	for spec in fault,ops=write,shorten=700 data-change,write_len=700; do
		filtered_view "$spec"
		python3 -c 'import mmap, sys
with open(sys.argv[1], "r+b") as f:
    try:
        m = mmap.mmap(f.fileno(), 0)
    except OSError as e:
        sys.exit(3)
    m[0:50000] = b"x" * 50000
    try:
        m.flush()
    except OSError:
        sys.exit(4)' "$VIEW/big"
		case $spec:$? in
		*:3) skip "no shared mappings of served files here" ;;
		fault,*:0) equal "$(head -c 50000 "$LOWER/big" | tr -d x | wc -c)" 0 \
			"bytes that were not written" ;;
		data-change*:4) ;;
		*) fail "storing with $spec ended otherwise" ;;
		esac
		LOG_MAY='changed what it must not change'
		unview
		LOG_MAY=''
	done
}
