# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# Functions for the cases of the mount tests. A test file defines shell functions:
#
#	each_NAME	a case that runs in every variant of MODES, except those in the list "modes"
#	once_NAME	a case whose result does not depend on the variant: runs in the first only
#	slow_NAME	as once_, and only when a pattern on the command line contains its name
#	LIMIT[NAME]=N	on a line of its own: the case may take N seconds (60)
#
# A case begins in an empty directory $T, which is removed afterwards, and succeeds when its
# function reaches the end. It can use these functions:
#
#	lower [TYPE [MIB]]	makes a file system (ext4 xfs btrfs tmpfs ramfs overlay); $FS is
#				its root, $LOWER the tree to show, $TWIN a plain directory in it
#	view [-b] [-o OPTS] [-r] [-F SPEC]... [LOWER [MOUNTPOINT]]
#				mounts a view with the options of the variant, sets $VIEW; -b: in
#				the background, -r: without the variant's options, -F: a filter
#	unview [MOUNTPOINT]	unmounts a view; its daemon has to exit with 0, soon, and without
#				errors in its log
#	same [-x] [A B]		fails unless all names, attributes, xattrs, links and data of two
#				trees are equal (view and lower tree); -x: except access times
#	counter OP [MNT]	prints how many OP requests the daemon has received
#	total			prints how many requests the daemon has received in all
#	no_requests OPS CMD...	runs CMD; fails if one of OPS (with commas) reached the daemon
#	no_data_requests CMD...	the same for READ and WRITE, if the variant passes data through
#	requests OP CMD...	runs CMD; $N is the number of OP requests meanwhile
#	own_mounts		prints the lines of mountinfo of FUSE mounts that the case has made
#	info KEY [MNT]		prints a number or word of "penstock stat --json"
#	parity GROUP [ARG...]	runs a group of the comparison program on twin and view
#	as UID[:GID[,GID...]] CMD...	runs CMD as an ordinary user
#	user_device		lets ordinary users open /dev/fuse
#	check [not] CMD...	fails, with the text of CMD, unless CMD succeeds (or fails)
#	equal A B [WHAT]	fails unless both words are equal
#	refused TEXT CMD...	fails unless CMD fails with a message that matches TEXT, an extended
#				regular expression
#	within SECONDS CMD...	repeats CMD until it succeeds; fails after SECONDS, 30 at least.
#				The shell expands the words of CMD once: use "becomes" for a value
#				that changes
#	becomes WANT CMD...	repeats CMD until it prints WANT
#	holder NAME VERB ARG...	starts "act VERB ARG..." and waits for its first line, in $SAID
#	tell NAME LINE		sends a line to this process and waits for its reply
#	release NAME		ends this process
#	act VERB ARG...		makes system calls that a shell cannot make, see tools/act
#	answers WANT CALL ARG...	fails unless "act try CALL ARG..." prints WANT, 0 or an
#				error
#	says WANT FLAGS FILE STEP...	fails unless the lines of "io FLAGS FILE STEP...", joined
#				by '|', are WANT
#	need_filters		skips the case where filters cannot be built or run
#	filtered_view [-o OPTS] SPEC...	mounts a view with these filters, of the lower tree of the
#				case or of a new one; with cache=none unless OPTS sets cache=
#	with FILTER SPEC	replaces the filter of that name by another
#	chain VERB [ARG...]	runs "penstock filter VERB" on the view: add SPEC, remove NAME, ...
#	ran COLUMN FILTER [PROGRAM]	prints the sum of a column of "penstock filter stat": runs,
#				errors, answered or bad
#	tracing FILE [ARG...]	writes "penstock trace --json ARG..." of the view to FILE; $TRACER
#				is its process ID
#	alone			waits until no other case is "alone": for cases that drop the
#				machine's caches, and for cases that count on these caches
#	drop_caches		makes the kernel drop cached inodes and names when no other case is
#				"alone"
#	ok NAME, fail [-n NAME] WHY, skip [-n NAME] WHY	results, of a step if NAME is given
#	passing			succeeds if reads and writes are those of the lower file: in a
#				variant that passes data through, and in the kernel engine
#	in_kernel		succeeds if the view is one of the kernel engine
#	has_daemon		succeeds if a daemon has the view, whose numbers can be compared
#	real			succeeds if VIEW is a view, fails if it is the bind mount that
#				checks the tests

declare -A LIMIT=()
VIEW='' LOWER='' TWIN='' FS=''
N=0 SAID=''
declare -A HOLDERS=()
# One element per view, in the order of mounting; VIEW_DIRS has only views that are still to be
# unmounted.
N_VIEWS=0
VIEW_DIRS=() VIEW_PIDS=() VIEW_LOGS=() VIEW_NUMBERS=()
# Words before the command of the daemon: DAEMON_PREFIX="prlimit --nofile=256"
DAEMON_PREFIX=''
# An extended regular expression for lines that the daemon's log may contain.
LOG_MAY=''
N_RESULTS=0

# ---- results ------------------------------------------------------------------------------------

result() { # WORD NAME [WHY]
	local full=$FULL
	[ -n "$2" ] && full=$FILE.$CASE.$2@$MODE
	echo "$1 $full${3:+: $3}" >> "$T/results"
	[ "$1" = ok ] || echo "== $1 $full${3:+: $3}"
	N_RESULTS=$((N_RESULTS + 1))
}

ok() { result ok "$1"; }

# Fails the step with -n; without -n fails the case and ends it.
fail() {
	local where
	if [ "$1" = -n ]; then
		result "not ok" "$2" "$3"
		return
	fi
	where=$(caller 0 | cut -d' ' -f1)
	[ "$(caller 0 | cut -d' ' -f3)" = "$TESTS/lib.sh" ] && where=$(caller 1 | cut -d' ' -f1)
	result "not ok" "" "$* (line $where)"
	exit 1
}

skip() {
	if [ "$1" = -n ]; then
		result skip "$2" "$3"
		return
	fi
	result skip "" "$*"
	exit 0
}

# Takes the steps of a helper program from standard input: lines "ok STEP", "not ok STEP: why",
# "skip STEP: why". Prefixes the step with PREFIX, if that is set.
take_results() {
	local line step word
	while IFS= read -r line; do
		case $line in
		"ok "*) word=ok step=${line#ok } ;;
		"not ok "*) word="not ok" step=${line#not ok } ;;
		"skip "*) word=skip step=${line#skip } ;;
		*) echo "$line"; continue ;;
		esac
		if [[ $step == *": "* ]]; then
			result "$word" "${PREFIX:+$PREFIX-}${step%%: *}" "${step#*: }"
		else
			result "$word" "${PREFIX:+$PREFIX-}$step"
		fi
	done
}

real() { [ "$VIEW_MODE" = view ]; }
in_kernel() { [[ ,$MODE_OPTS, == *,engine=kernel,* ]]; }
passing() { real && { [[ ,$MODE_OPTS, == *,passthrough=on,* ]] || in_kernel; }; }
has_daemon() { real && ! in_kernel; }

check() {
	local want=0
	[ "$1" = not ] && { want=1; shift; }
	if "$@"; then
		[ $want = 0 ] || fail "should have failed: $*"
	else
		[ $want = 1 ] || fail "failed: $*"
	fi
}

equal() {
	[ "$1" = "$2" ] || fail "${3:-value} is '$1', should be '$2'"
}

refused() { # TEXT CMD...
	local text=$1 said
	shift
	if said=$("$@" 2>&1); then
		fail "should have been refused: $*"
	fi
	echo "refused: $said"
	grep -Eqi -- "$text" <<< "$said" || fail "'$*' said '$said', which does not match '$text'"
}

# The number says how soon CMD usually succeeds. A busy machine needs longer, so CMD fails only
# after half a minute.
within() { # SECONDS CMD...
	local end=$((SECONDS + ($1 > 30 ? $1 : 30) * ${SLOW:-1})) pause=002
	shift
	while [ $SECONDS -lt $end ]; do
		"$@" && return 0
		sleep "0.$pause"
		pause=00$((10#$pause < 32 ? 2 * 10#$pause : 50))
		pause=${pause: -3}
	done
	echo "in vain for 30 seconds or more: $*" >&2
	return 1
}

becomes() { # WANT CMD...
	within 30 prints "$@" || fail "'${*:2}' prints '$("${@:2}" 2>&1)', should be '$1'"
}

prints() { [ "$("${@:2}" 2> /dev/null)" = "$1" ]; }

# Opens the input for both directions, so that the helper never reads its end.
holder() {
	local name=$1
	shift
	rm -f "$T/$name.in" "$T/$name.out"
	mkfifo "$T/$name.in"
	"$TOOLS/act" "$@" <> "$T/$name.in" > "$T/$name.out" 2>&1 9>&- &
	HOLDERS[$name]=$!
	within 10 test -s "$T/$name.out" || fail "$* says nothing"
	SAID=$(head -n 1 "$T/$name.out")
}

tell() {
	local n
	n=$(wc -l < "$T/$1.out")
	echo "$2" > "$T/$1.in"
	within 10 eval "[ \$(wc -l < '$T/$1.out') -gt $n ]" || fail "$1 does not answer"
}

release() {
	kill "${HOLDERS[$1]}" 2> /dev/null
	wait "${HOLDERS[$1]}" 2> /dev/null
	unset "HOLDERS[$1]"
}

# A flock(2) lock of the view leaves the lower file with RELEASE, which the kernel sends after
# close(2) has returned.
lock_when_free() { # NAME FILE KIND ex|sh
	local end=$((SECONDS + 60))
	while holder "$1" lock "${@:2}"; [ "$SAID" = EAGAIN ] && [ $SECONDS -lt $end ]; do
		release "$1"
	done
}

as() { # UID[:GID[,GID...]] CMD...
	local uid=${1%%:*} gids='' gid groups
	[[ $1 == *:* ]] && gids=${1#*:}
	gid=${gids%%,*}
	groups=${gids#"$gid"}
	groups=${groups#,}
	shift
	if [ -n "$groups" ]; then
		setpriv --reuid "$uid" --regid "${gid:-$uid}" --groups "$groups" \
			--inh-caps=-all -- "$@"
	else
		setpriv --reuid "$uid" --regid "${gid:-$uid}" --clear-groups --inh-caps=-all -- "$@"
	fi
}

# Puts a device node that ordinary users may open over /dev/fuse, whose mode may be 0600.
user_device() {
	mknod -m 666 "$T/fuse" c 10 229 && mount --bind "$T/fuse" /dev/fuse || fail "no device node"
}

act() { "$TOOLS/act" "$@"; }

alone() {
	# Other test programs that drop the machine's caches lock the same folder.
	exec 9< /dev/shm
	flock 9
	ALONE=yes
}

drop_caches() {
	sync -f "$LOWER"
	drop_machine_caches 2
}

# Waits for cases that are "alone", unless this case is.
drop_machine_caches() { # 1|2|3, as the kernel's sysctl
	(
		[ "${ALONE:-}" = yes ] || { exec 9< /dev/shm && flock 9; }
		echo "$1" > /proc/sys/vm/drop_caches
	)
}

# ---- lower --------------------------------------------------------------------------------------

# Makes a fresh file system. Its image lies in memory; the kernel frees the loop device with the
# last unmount.
lower() { # [TYPE [MIB]]
	local type=${1:-ext4} size=${2:-512} n=${N_LOWER:-0}
	N_LOWER=$((n + 1))
	FS=$T/fs$n
	mkdir "$FS"
	case $type in
	ext4) make_image "$n" "$size" mkfs.ext4 -q -F ;;
	xfs) make_image "$n" "$((size < 300 ? 300 : size))" mkfs.xfs -q ;;
	btrfs) make_image "$n" "$((size < 300 ? 300 : size))" mkfs.btrfs -q ;;
	tmpfs) mount -t tmpfs -o "size=${size}m,mode=755" none "$FS" ;;
	ramfs) mount -t ramfs -o mode=755 none "$FS" ;;
	overlay)
		mkdir "$T/ovl$n"
		mount -t tmpfs -o "size=${size}m" none "$T/ovl$n"
		mkdir "$T/ovl$n"/{lower,upper,work}
		mount -t overlay -o "lowerdir=$T/ovl$n/lower" \
			-o "upperdir=$T/ovl$n/upper,workdir=$T/ovl$n/work" none "$FS"
		;;
	*) fail "no such lower: $type" ;;
	esac || fail "cannot make a lower file system of type $type"
	chmod 755 "$FS"
	LOWER=$FS/lower TWIN=$FS/twin
	mkdir "$LOWER" "$TWIN"
}

make_image() { # N MIB MKFS...
	local image=$T/fs$1.img size=$2
	shift 2
	[ -x "$(command -v "$1")" ] || skip "$1 is not installed"
	truncate -s "${size}M" "$image" && "$@" "$image" > /dev/null 2>&1 &&
		mount -o loop "$image" "$FS"
}

# ---- view ---------------------------------------------------------------------------------------

# Prints the device of the topmost mount at DIR ("0:45"), or nothing if there is no mount.
mount_device() {
	local id parent dev root dir rest found=''
	while read -r id parent dev root dir rest; do
		[ "$dir" = "$1" ] && found=$dev
	done < /proc/self/mountinfo
	echo "$found"
}

# Prints the lines of mountinfo for mounts of type fuse, fuse.NAME or penstock that the case has
# made and that still exist.
own_mounts() {
	grep -E ' - (fuse(\.[^ ]*)?|penstock) ' /proc/self/mountinfo |
		awk 'NR == FNR { before[$1]; next } !($1 in before)' "$T/mounts-before" -
}

view() {
	local opts='' form=foreground raw=0 mnt log n=$N_VIEWS filters=()
	while [[ ${1:-} == -* ]]; do
		case $1 in
		-o) opts=$2; shift ;;
		-b) form=background ;;
		-r) raw=1 ;;
		-F) filters+=(--filter "$2"); shift ;;
		esac
		shift
	done
	[ $raw = 1 ] && ! in_kernel || opts=$opts${opts:+${MODE_OPTS:+,}}$MODE_OPTS
	mnt=${2:-$T/view$n}
	[ -d "$mnt" ] || mkdir "$mnt"
	log=$T/daemon$n.log
	VIEW=$mnt
	if real; then
		mount_view $form "${1:-$LOWER}" "$mnt" "$opts" "$log" "${filters[@]}"
	else
		mount_bind "${1:-$LOWER}" "$mnt" "$opts"
	fi
}

mount_view() { # FORM LOWER MNT OPTS LOG [FILTER-OPTION...]
	local pid before after
	before=$(mount_device "$3")
	if [ "$1" = foreground ]; then
		# shellcheck disable=SC2086
		$DAEMON_PREFIX "$PENSTOCK" mount -f ${4:+-o "$4"} "${@:6}" "$2" "$3" \
			> "$5" 2>&1 9>&- &
		pid=$!
		# Without a process the command ends as soon as the view is mounted.
		while after=$(mount_device "$3"); [ "$after" = "$before" ]; do
			gone $pid && [ "$(mount_device "$3")" = "$before" ] &&
				fail "the view was not mounted: $(tail -n 3 "$5")"
			sleep 0.005
		done
	else
		timeout 20 "$PENSTOCK" mount ${4:+-o "$4"} "${@:6}" "$2" "$3" > "$5" 2>&1 ||
			fail "the view was not mounted (status $?): $(tail -n 3 "$5")"
		after=$(mount_device "$3")
		[ "$after" != "$before" ] || fail "mount returned 0 and nothing is mounted"
		pid=$(info pid "$3")
	fi
	in_kernel || echo "${after#*:}" >> "$T/connections"
	note_view "$3" "${pid:-0}" "$5" "${after#*:}"
	timeout 20 stat "$3" > /dev/null || fail "the view does not answer"
}

# Mounts a view by a program that uses the library, and waits for the mount. An argument {} is the
# mount point, VIEW from then on. The options of the mode come last, after -o.
program_view() { # PROGRAM [ARG...]
	local before after pid log=$T/daemon$N_VIEWS.log
	real || skip "a bind mount has no program"
	[ -x "$1" ] || skip "examples were not built"
	VIEW=$T/view$N_VIEWS
	mkdir -p "$VIEW"
	before=$(mount_device "$VIEW")
	"${@//\{\}/$VIEW}" ${MODE_OPTS:+-o "$MODE_OPTS"} > "$log" 2>&1 9>&- &
	pid=$!
	until after=$(mount_device "$VIEW"); [ "$after" != "$before" ]; do
		kill -0 $pid 2> /dev/null || fail "the view was not mounted: $(tail -n 3 "$log")"
		sleep 0.005
	done
	echo "${after#*:}" >> "$T/connections"
	note_view "$VIEW" "$pid" "$log" "${after#*:}"
}

note_view() { # DIR PID LOG NUMBER
	VIEW_DIRS[N_VIEWS]=$1 VIEW_PIDS[N_VIEWS]=$2 VIEW_LOGS[N_VIEWS]=$3 VIEW_NUMBERS[N_VIEWS]=$4
	N_VIEWS=$((N_VIEWS + 1))
}

# Mounts the bind mount of VIEW_MODE=bind. Honours the options that every mount has and ignores
# Penstock's own.
mount_bind() { # LOWER MNT OPTS
	local o flags=''
	if [[ ,$3, == *,xdev=hide,* ]]; then
		mount --bind "$1" "$2" || fail "bind mount"
	else
		mount --rbind "$1" "$2" || fail "bind mount"
	fi
	for o in ${3//,/ }; do
		case $o in
		ro | nosuid | nodev | noexec | nosymfollow) flags=$flags,$o ;;
		noatime | nodiratime | relatime | strictatime) flags=$flags,$o ;;
		esac
	done
	[ -z "$flags" ] || mount -o "remount,bind$flags" "$2" || fail "bind mount options"
	note_view "$2" 0 /dev/null 0
}

view_index() { # MNT
	local i
	for i in "${!VIEW_DIRS[@]}"; do
		[ "${VIEW_DIRS[i]}" = "$1" ] && { echo "$i"; return; }
	done
	return 1
}

gone() { ! kill -0 "$1" 2>/dev/null; }

# Succeeds when the mount is gone; the status of umount does not count, because bash may lose the
# status of a process whose number is used again.
unmounted() { # MNT
	timeout 10 umount "$1" || ! grep -qF " $1 " /proc/self/mounts
}

unview() { # [MNT]
	local mnt=${1:-$VIEW} i pid
	i=$(view_index "$mnt") || fail "no view at $mnt"
	if real; then
		within 5 unmounted "$mnt" || fail "cannot unmount the view $mnt"
	else
		within 5 umount -R "$mnt" || fail "cannot unmount $mnt"
	fi
	unset "VIEW_DIRS[i]"
	daemon_ended "$i" 0
}

# Waits for the daemon of view I to end, and checks its exit status and its log.
daemon_ended() { # I [STATUS]
	local pid=${VIEW_PIDS[$1]} status
	real || return 0
	within 10 daemon_done "$pid" || {
		show_threads "$pid"
		fail "the daemon still runs 10 seconds after its view has gone"
	}
	# Another case may get the number of this connection next, so the entry must not stay:
	# abort_all would abort that case's connection.
	in_kernel || sed -i "/^${VIEW_NUMBERS[$1]}\$/d" "$T/connections"
	# bash may lose the status when a process number is reused; then wait returns 127 or a
	# negative number.
	if wait "$pid" 2> /dev/null; status=$?; [ $status != 127 ] && [ $status -ge 0 ]; then
		[ -z "${2:-}" ] || [ $status = "$2" ] || fail "the daemon ended with status $status"
	fi
	log_is_clean "${VIEW_LOGS[$1]}"
}

# Prints the kernel stack of each thread of the process.
show_threads() { # PID
	local t
	for t in "/proc/$1/task"/*; do
		echo "-- $(cat "$t/comm") $(sed -n 's/^State:\t//p' "$t/status")"
		head -n 8 "$t/stack"
	done 2> /dev/null
}

# A zombie counts as ended; wait will reap it.
daemon_done() {
	local state
	{ read -r _ _ state _ < "/proc/$1/stat"; } 2> /dev/null || return 0
	[ "$state" = Z ]
}

log_is_clean() { # LOG
	local bad
	# The filter fault announces its options, also error=.
	bad=$(grep -v '^penstock: warning: filter [^ ]*, .* ops: ' "$1" |
		grep -E 'Sanitizer|runtime error:|[Aa]ssert|\berror:|ERROR|SIGSEGV|panic' |
		{ if [ -n "$LOG_MAY" ]; then grep -Ev "$LOG_MAY"; else cat; fi; } | head -n 3)
	[ -z "$bad" ] || fail "the daemon's log says: $bad"
}

# Runs at the end of every case: unmounts its views and checks that nothing remains.
scenario_end() {
	local status=$? i
	trap - EXIT
	if [ $status = 0 ]; then
		for i in $(printf '%s\n' "${!VIEW_DIRS[@]}" | sort -rn); do
			unview "${VIEW_DIRS[i]}"
		done
		left_behind
		[ -s "$T/results" ] || ok ''
		exit 0
	fi
	[ -s "$T/results" ] || result "not ok" "" "status $status"
	exit $status
}

# The daemon removes its control socket when it ends, which may be after umount(8) has returned.
left_behind() {
	real || return 0
	within 5 no_control_socket || fail "left in /run/penstock: $(ls /run/penstock)"
}

no_control_socket() { [ -z "$(ls /run/penstock 2> /dev/null)" ]; }

# ---- what the daemon knows ----------------------------------------------------------------------

stat_json() { # [MNT]
	timeout 10 "$PENSTOCK" stat --json "${1:-$VIEW}" | tr -d '[:space:]'
}

info() { # KEY [MNT]
	stat_json "${2:-$VIEW}" | grep -o "\"$1\":[^,}]*" | head -n 1 | cut -d: -f2- | tr -d '"'
}

counter() { # OP [MNT]
	local n
	n=$(stat_json "${2:-$VIEW}" | sed -n "s/.*\"$1\":{\"requests\":\([0-9]*\).*/\1/p")
	echo "${n:-0}"
}

# Prints the sum of requests of one or several operations, from one question to the daemon.
counters() { # OP,OP...
	local json op n sum=0
	json=$(stat_json)
	for op in ${1//,/ }; do
		n=$(sed -n "s/.*\"$op\":{\"requests\":\([0-9]*\).*/\1/p" <<< "$json")
		sum=$((sum + ${n:-0}))
	done
	echo $sum
}

total() {
	stat_json | grep -o '"requests":[0-9]*' | awk -F: '{ n += $2 } END { print n + 0 }'
}

requests() { # OPS CMD...
	local ops=$1 before after status
	shift
	if ! real; then
		N=0
		"$@"
		return
	fi
	before=$(counters "$ops")
	"$@"
	status=$?
	after=$(counters "$ops")
	N=$((after - before))
	return $status
}

no_requests() { # OPS CMD...
	local ops=$1
	requests "$@" || fail "failed: ${*:2}"
	[ $N = 0 ] || fail "$N $ops requests reached the daemon by: ${*:2}"
}

no_data_requests() { # CMD...
	if passing; then
		no_requests READ,WRITE "$@"
	else
		check "$@"
	fi
}

# ---- filters ------------------------------------------------------------------------------------

need_filters() {
	local why
	real || skip "a bind mount has no filters"
	[ -s "$TOOLS/filters/pass.bpf.o" ] || skip "no clang that compiles filters, see build-tools"
	why=$("$PENSTOCK" filter check pass 2>&1) ||
		skip "filters cannot be loaded here: $(head -n 1 <<< "$why")"
}

# Mounts a view with these filters, of a fresh lower tree or of the existing one.
filtered_view() { # [-o OPTIONS] SPEC...
	local opts=cache=none filters=() spec
	need_filters
	[ "$1" = -o ] && { opts=$2; shift 2; }
	for spec; do filters+=(-F "$spec"); done
	[ -n "$LOWER" ] || lower ext4
	view -o "$opts" "${filters[@]}"
}

# Replaces the only filter, so that many variants need one mount.
with() { # FILTER SPEC
	chain replace "$1" "$2" > /dev/null || fail "cannot have the filter $2"
}

# Prints the log of the view; the module has one for all views.
view_log() { if in_kernel; then dmesg; else cat "$T/daemon0.log"; fi; }

chain() { # VERB [ARG...]
	timeout 40 "$PENSTOCK" filter "$1" "$VIEW" "${@:2}"
}

ran() { # COLUMN FILTER [PROGRAM]
	chain stat | awk -v column="$1" -v filter="$2" -v program="${3:-}" '
		NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next }
		$1 == filter && (program == "" || $2 == program) { sum += $at[column] }
		END { print sum + 0 }'
}

# Sends STATFS, which is never answered from a cache, until the trace has a line and so is
# listening.
tracing() { # FILE [ARG...]
	# Clears the file before the tracer starts, because it may have lines of an earlier trace.
	: > "$1"
	"$PENSTOCK" trace --json "${@:2}" "$VIEW" > "$1" 2>&1 9>&- &
	TRACER=$!
	within 5 has_spoken "$1" || fail "trace says nothing"
}

has_spoken() { # FILE
	stat -f "$VIEW" > /dev/null
	[ -s "$1" ]
}

answers() { # WANT CALL ARG...
	local said
	said=$("$TOOLS/act" try "${@:2}")
	[ "$said" = "$1" ] || fail "'${*:2}' came to '$said', should be '$1'"
}

says() { # WANT FLAGS FILE STEP...
	local got
	got=$("$TOOLS/io" "${@:2}" 2>&1 | tr '\n' '|')
	[ "${got%|}" = "$1" ] || fail "'${*:2}' says '${got%|}', should be '$1'"
}

# ---- comparing ----------------------------------------------------------------------------------

same() { # [-x] [A B]
	local flags=()
	[ "${1:-}" = -x ] && { flags=(--no-atime); shift; }
	timeout 60 "$TOOLS/same" "${flags[@]}" "${1:-$VIEW}" "${2:-$LOWER}" ||
		fail "${1:-view} and ${2:-lower} differ"
}

# Runs the same steps in twin and view, see tools/parity/parity.h. The file "limits" lists the steps
# that cannot be equal because of the kernel's FUSE, each with the reason. The kernel engine has a
# file of its own, unless LIMITS says that a FUSE view serves the data.
parity() { # GROUP [ARG...]
	local stat=() limits=() variants=(--variant "$MODE") list=$TESTS/limits
	# A limit of the variant "on" (data passes through) also applies to any other transport with
	# passthrough.
	[ "$MODE" = uring ] && variants+=(--variant on)
	has_daemon && passing && stat=(--stat "$PENSTOCK stat --json $VIEW")
	if in_kernel; then
		list=${LIMITS:-$TESTS/../kernels/kmod/limits}
	fi
	real && limits=(--limits "$list")
	timeout 300 "$TOOLS/parity" "${variants[@]}" "${stat[@]}" "${limits[@]}" \
		--patience "${SLOW:-1}" ${ONLY:+--only "$ONLY"} \
		"${@:2}" "$1" "$TWIN" "$VIEW" "$LOWER" > "$T/parity.out" 2>&1
	echo "status $?" >> "$T/parity.out"
	take_results < <(grep -v '^status' "$T/parity.out")
	grep -q '^status [01]$' "$T/parity.out" ||
		fail "comparison $1 ended badly: $(tail -n 1 "$T/parity.out")"
}
