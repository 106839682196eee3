# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh
#
# Runs in the virtual machine, as root under busybox, in a tmpfs. Prints a line for each step, as
# the mount ring does, and RESULT-OK as the last word if nothing failed.
#
# Tests the behaviour that depends on the kernel: a kernel without passthrough, without STATX or
# without O_TMPFILE for FUSE gets served data and each fallback, and kernels with passthrough, older
# and newer than that of the machine that builds, pass data through.

. /lib.sh

gunzip /disk.gz
mkdir -p /w/ext4 /w/tmpfs
mount -t ext4 -o loop /disk /w/ext4 || { mount -t tmpfs t /w/ext4; echo "skip ext4: cannot be mounted"; }
mount -t tmpfs -o mode=755 t /w/tmpfs
cat /limits > /w/limits
sed -n "s/@until-\([0-9]*\)\.\([0-9]*\):/ \1 \2 /p" /limits-of-kernels 2> /dev/null |
	while read -r step a b why; do at_least "$a" "$b" || echo "$step: $why"; done >> /w/limits

# Compares the same steps in a plain directory and in the view. GROUP=PATTERN selects steps: those
# with thousands of calls take minutes here and do not depend on the kernel.
groups() { # FS VARIANT OPTIONS GROUP[=PATTERN]...
	fs=$1 variant=$2 opts=$3 more=
	shift 3
	# The comparison reads links below, so it moves access times, which only the view may
	# change.
	case $opts in *exclusive*) more=--no-atime ;; esac
	mkdir -p "/w/$fs/lower-$variant" "/w/$fs/twin-$variant"
	view "/w/$fs/lower-$variant" "$opts" || return
	for group; do
		stat=
		[ "$variant" = on ] && stat="penstock stat --json /w/view"
		pattern=${group#*=}
		[ "$pattern" = "$group" ] && pattern='*'
		group=${group%%=*}
		timeout 300 parity ${stat:+--stat "$stat"} --limits /w/limits --variant "$variant" \
			--variant "$fs" --other-lower --no-agree --patience 8 $no_btime $more --only "$pattern" \
			"$group" "/w/$fs/twin-$variant" /w/view "/w/$fs/lower-$variant" > /w/out 2>&1
		status=$?
		sed -n "s/^\(ok\|not ok\|skip\) /\1 $fs.$variant.$group-/p" /w/out
		grep -q '^not ok' /w/out && failed=1
		sed -n '/^not ok/,/^[osn]/{/^# /p}' /w/out | head -n 8
		[ $status -gt 1 ] && say_bad "$fs.$variant.$group" "ended with $status: $(tail -n 1 /w/out)"
	done
	unview "$fs.$variant"
}

# The reports of the program about this kernel.
basics() {
	mkdir -p /w/ext4/basics
	echo text > /w/ext4/basics/f
	check probe penstock probe
	check probe-json penstock probe --json /w/ext4/basics
	at_least 6 19 && delegations=true || delegations=false
	check probe.delegations sh -c "penstock probe --all | grep -q 'The kernel has delegations' && has=true || has=false
		[ \$has = $delegations ]"
	view /w/ext4/basics cache=none || return
	got=$(penstock stat --json /w/view | grep -o '"passthrough":[a-z]*' | cut -d: -f2)
	if [ "$got" = $passthrough ]; then say_ok passthrough-is-$passthrough; else
		say_bad passthrough "it is '$got', should be $passthrough on $version"
	fi
	[ "$(cat /w/view/f)" = text ] && say_ok read || say_bad read "not the text"
	echo more >> /w/view/f
	[ "$(wc -l < /w/ext4/basics/f)" = 2 ] && say_ok append || say_bad append "not below"
	check same same $no_btime /w/view /w/ext4/basics
	unview basics
	# Asked for by name where it cannot be had: refused, and said why.
	if [ $passthrough = false ]; then
		if penstock mount -o passthrough=on /w/ext4/basics /w/view > /w/said 2>&1; then
			say_bad refused "passthrough=on was taken"
			umount /w/view
		else
			grep -qi passthrough /w/said && say_ok refused-with-reason ||
				say_bad refused "said $(cat /w/said)"
		fi
	fi
	# In the background; ended by a signal.
	if penstock mount /w/ext4/basics /w/view && [ "$(head -n 1 /w/view/f)" = text ]; then
		say_ok background
	else
		say_bad background "does not answer"
	fi
	pid=$(penstock stat --json /w/view | grep -o '"pid":[0-9]*' | cut -d: -f2)
	kill -TERM "$pid"
	if wait_for not_mounted; then say_ok ended-by-signal; else say_bad ended-by-signal "still mounted"; fi
}

not_mounted() { ! mounted /w/view; }

# Random operations in every mode, compared with a model.
stress() { # VARIANT
	mkdir -p /w/tmpfs/stress
	view /w/tmpfs/stress "cache=none,passthrough=$1" || return
	check "stress.$1.data" act model /w/view/f 1 300
	check "stress.$1.names" act shuffle /w/view 1 3 200
	check "stress.$1.same" same --no-atime $no_btime /w/view /w/tmpfs/stress
	unview "stress.$1"
	rm -rf /w/tmpfs/stress
}

# The verifier of this kernel accepts each ready-made filter, with lists that are not empty, and
# some of the filters work on a mount.
filters() {
	if ! penstock filter check /filters/readonly.bpf.o > /w/said 2>&1 && grep -q 'without libbpf' /w/said; then
		echo "skip filters: $(cat /w/said)"
		return
	fi
	lists='names=*.key:.env:id_*:a*b?c[x-z],paths=/etc/ssl:src/build-*'
	for f in hide hide-for,uid=1000 readonly readonly-for,uid=1000 mask; do
		check "filter.${f%,*}" penstock filter check "/filters/${f%,*}.bpf.o,$lists${f#"${f%,*}"}"
	done
	check filter.mask-values penstock filter check "/filters/mask.bpf.o,names=*.env,how=values"
	for f in audit owner,uid=1000 fault,ops=* quota,bytes=1000000; do
		check "filter.${f%,*}" penstock filter check "/filters/${f%,*}.bpf.o${f#"${f%,*}"}"
	done
	mkdir -p /w/ext4/filtered/sub
	echo secret > /w/ext4/filtered/sub/a.key
	echo secret > /w/ext4/filtered/masked
	echo plain > /w/ext4/filtered/plain
	view /w/ext4/filtered 'cache=none,filter=/filters/hide.bpf.o;names=*.key,filter=/filters/mask.bpf.o;names=masked' || return
	check filter.hidden sh -c '! cat /w/view/sub/a.key'
	check filter.listed sh -c '[ -z "$(ls /w/view/sub)" ]'
	check filter.masked sh -c '[ "$(cat /w/view/masked)" = xxxxxx ]'
	check filter.plain sh -c '[ "$(cat /w/view/plain)" = plain ]'
	check filter.removed penstock filter remove /w/view hide
	check filter.shown sh -c '[ "$(cat /w/view/sub/a.key)" = secret ]'
	check filter.added penstock filter add /w/view '/filters/hide.bpf.o,names=*.key'
	check filter.hidden-again sh -c '! cat /w/view/sub/a.key'
	unview filters
}

# Changes of the lower tree appear in the view within a second, in the default cache mode. The limit
# is a second because emulated machines are slow.
heard() {
	mkdir -p /w/ext4/heard/sub
	echo one > /w/ext4/heard/f
	view /w/ext4/heard xdev=cross || return
	ls -lR /w/view > /dev/null
	ls /w/view/absent > /dev/null 2>&1
	echo three >> /w/ext4/heard/f
	chmod 600 /w/ext4/heard/f
	echo x > /w/ext4/heard/absent
	echo x > /w/ext4/heard/sub/new
	sleep 1
	check heard.size sh -c '[ "$(stat -c %s.%a /w/view/f)" = 10.600 ]'
	check heard.absent sh -c '[ "$(cat /w/view/absent)" = x ]'
	check heard.listed sh -c '[ "$(ls /w/view/sub)" = new ]'
	rm /w/ext4/heard/absent
	sleep 1
	check heard.removed sh -c '! cat /w/view/absent'
	unview heard
}

# When a file is opened that the view has written to, the daemon invalidates only the size and times
# of the file. Other kernels may understand its notification differently.
opened() {
	mkdir -p /w/ext4/opened/sub
	echo one > /w/ext4/opened/f
	view /w/ext4/opened cache=ttl=60 || return
	stat /w/view/f > /dev/null
	echo own >> /w/view/f
	: < /w/view/f
	before=$(requests GETATTR)
	echo own >> /w/view/f
	echo own >> /w/view/f
	: < /w/view/f
	check opened.mode-is-kept [ "$(requests GETATTR)" = "${before:-none}" ]
	check opened.own-size [ "$(stat -c %s /w/view/f)" = 16 ]
	ln /w/ext4/opened/f /w/ext4/opened/sub/unheard
	: < /w/view/f
	stat /w/view/f > /dev/null
	echo others >> /w/ext4/opened/sub/unheard
	: < /w/view/f
	check opened.size [ "$(stat -c %s /w/view/f)" = 23 ]
	check opened.text same $no_btime /w/view /w/ext4/opened
	unview opened
}

requests() { # OP
	penstock stat --json /w/view | sed -n "s/.*\"$1\":{\"requests\":\([0-9]*\).*/\1/p"
}

# Tests the statements of docs/notes/coherence-2026-11.md about delegations, which are the reason
# that the daemon does not use them.
delegations_say() { # FS
	delegations "/w/$1" 5 > /w/said
	status=$?
	sed "s/^/# $1: /" /w/said
	case $status in
	0) say_ok "delegations.$1" ;;
	77) at_least 6 19 && say_bad "delegations.$1" "$(cat /w/said)" || echo "skip delegations.$1: $(cat /w/said)" ;;
	*) say_bad "delegations.$1" "they are broken by others than we say" ;;
	esac
}

# A process that breaks a delegation waits while its holder sleeps (45 s, here 3). An operation
# through a stacked file system is refused. The test reports both and fails for neither, because a
# later kernel may do better.
delegations_harm() {
	at_least 6 19 || return
	mkdir -p /w/tmpfs/up /w/tmpfs/low /w/tmpfs/work /w/over
	mount -t overlay -o lowerdir=/w/tmpfs/low,upperdir=/w/tmpfs/up,workdir=/w/tmpfs/work o /w/over || return
	echo 3 > /proc/sys/fs/lease-break-time
	for harm in 'chmod 600 file' 'chmod 600 /w/over/file' 'touch /w/over/new'; do
		delegations /w/tmpfs/up 0 "$harm" 2>&1 | sed 's/^/# delegations: /'
	done
	umount /w/over
}

basics
filters
heard
opened
delegations_say ext4
delegations_say tmpfs
delegations_harm
if [ $passthrough = true ]; then v=on; else v=off; fi
groups ext4 $v "cache=none,passthrough=$v" 'names=!(odd-names|exclusive-race|other-races|deep)' kinds rename \
	'attr=!(chmod-all)' xattr 'acl=!(inherited|honoured)' perm flags \
	'data=!(sizes)' 'modes=!(two-appenders)' copy mmap suid=again-and-again
# tmpfs has had O_DIRECT since 6.6.
at_least 6 6 && aio=aio || aio='aio=!(*direct)'
groups tmpfs $v "cache=exclusive,passthrough=$v" 'names=!(odd-names|exclusive-race|other-races|deep)' kinds "$aio" \
	'lock=!(interrupted)' 'dir=@(kinds|rewound|removed|small-buffers)'
stress $v
[ $v = on ] && stress off

[ $failed = 0 ] && echo RESULT-OK
