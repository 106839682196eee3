# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# Files that are in use and have lost their last name behave as on the lower file system: for every
# file type, whatever file took the name, and after all caches were dropped.

# The daemon closes descriptors that it only caches within two seconds.
WAIT=3.2

BEGUN=()

each_removed_file_in_use_behaves_as_on_lower() {
	alone
	lower ext4
	view
	begin
	end
}

# Runs the case as an ordinary user with opendir=off, where the kernel opens directories itself, and
# on other file systems with cache=none.
once_removed_file_in_use_behaves_so_on_other_file_systems() {
	local type
	alone
	lower ext4
	chmod 777 "$LOWER" "$TWIN"
	view -o cache=exclusive,opendir=off
	begin as 1234
	for type in xfs btrfs tmpfs; do
		lower "$type" 300
		view -o cache=none
		begin
	done
	end
}

begin() { # [as UID]
	local i=${#BEGUN[@]} python=/usr/bin/python3
	[ -x $python ] || skip "no python3"
	cp "$TESTS/tools/unnamed.py" "$T/unnamed.py"
	"$@" timeout 50 $python "$T/unnamed.py" "$TWIN" "$WAIT" > "$T/want$i" &
	BEGUN+=($!)
	"$@" timeout 50 $python "$T/unnamed.py" "$VIEW" "$WAIT" > "$T/have$i" &
	BEGUN+=($!)
}

end() {
	local i
	for i in "${!BEGUN[@]}"; do wait "${BEGUN[i]}" || fail "process $i of ${#BEGUN[@]}"; done
	for ((i = 0; i < ${#BEGUN[@]}; i += 2)); do
		check test "$(wc -l < "$T/want$i")" -ge 29
		diff "$T/want$i" "$T/have$i" || fail "number $i is not as below"
	done
	# When no process uses the files any more, the daemon frees their nodes and descriptors.
	has_daemon || return 0
	for VIEW in "${VIEW_DIRS[@]}"; do
		within 10 none_left || fail "$(info fds) descriptors, $(info nodes) nodes are left"
	done
}

none_left() { [ "$(info nodes)" -le 1 ] && [ "$(info fds)" = 0 ]; }

# The daemon keeps a descriptor for each removed file in use, up to half of the descriptors that it
# may cache. Operations on the rest fail with ESTALE; other files are not affected.
once_removed_files_beyond_half_of_fds_are_stale() {
	real || skip "there are no descriptors of a daemon"
	[ -x /usr/bin/python3 ] || skip "no python3"
	lower ext4
	view -o fds=32
	echo text > "$LOWER/other"
	check timeout 40 /usr/bin/python3 - "$VIEW" <<-'X'
		import errno, os, sys, time
		os.chdir(sys.argv[1])
		fds = []
		for i in range(60):
		    os.mkfifo("p%d" % i)
		    fds.append(os.open("p%d" % i, os.O_PATH))
		for i in range(60):
		    os.unlink("p%d" % i)
		time.sleep(3)
		said = []
		for fd in fds:
		    try:
		        said.append(os.fstat(fd).st_nlink)
		    except OSError as e:
		        said.append(errno.errorcode[e.errno])
		print(said.count(0), said.count("ESTALE"))
		good = said.count(0) == 16 and said.count("ESTALE") == 44
		assert open("other").read() == "text\n"
		sys.exit(not good)
	X
	check grep -q "too many deleted files are in use" "${VIEW_LOGS[0]}"
	# The kernel may keep a file with a name in its cache, so the case removes the name.
	rm "$VIEW/other"
	within 10 none_left || fail "$(info fds) descriptors, $(info nodes) nodes are left"
}

# A lower file is removed that a process uses in the view. The event arrives after the file has
# gone, so the file stays usable only if the daemon had cached its descriptor.
once_file_removed_in_lower_stays_while_cached() {
	local i
	real || skip "a bind mount has no below"
	[ -x /usr/bin/python3 ] || skip "no python3"
	lower ext4
	view
	for i in 1 2 3 4 5; do
		timeout 40 /usr/bin/python3 - "$VIEW" "$LOWER" <<-'X' && return 0
			import errno, os, sys, time
			view, lower = sys.argv[1:]
			os.mkfifo(lower + "/p")
			os.mkfifo(lower + "/not-cached")
			fd = os.open(view + "/p", os.O_RDWR | os.O_NONBLOCK)
			gone = os.open(view + "/not-cached", os.O_PATH)
			time.sleep(3)
			os.fchmod(fd, 0o600)
			os.unlink(lower + "/p")
			os.unlink(lower + "/not-cached")
			time.sleep(3)
			try:
			    os.fstat(gone)
			    sys.exit("what no descriptor was cached of is there")
			except OSError as e:
			    assert e.errno == errno.ESTALE, e
			try:
			    assert os.fstat(fd).st_nlink == 0
			except OSError as e:
			    sys.exit("not cached any more: " + str(e))
		X
		rm -f "$LOWER"/*
	done
	fail "a cached descriptor does not stay"
}
