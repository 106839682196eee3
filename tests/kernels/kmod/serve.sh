# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh disable=SC2154
#
# Files whose data a filter sees, which a process serves: guest.sh reads this file.

# The tree for data.sh, which belongs to user 1000.
make_data_tree() { # DIR
	mkdir -p "$1/a" "$1/shut/deep" "$1/dir.key"
	for f in plain x.key a/n.key shut/f shut/deep/f several also.key dir.key/f one; do
		printf '%s\nsecret of %s\n' "$f" "$f" > "$1/$f"
	done
	ln "$1/several" "$1/several2"
	ln "$1/also.key" "$1/also"
	ln -s plain "$1/link.key"
	mkfifo "$1/pipe.key"
	chown -hR 1000:1000 "$1"
}

n_processes() { # COUNT
	[ "$(pidof penstock | wc -w)" = "$1" ]
}

# Mounts a view of the module, of which a process serves a part.
served() { # LOWER SPEC...
	lower=$1
	shift
	filters=
	for spec; do filters="$filters --filter $spec"; done
	# shellcheck disable=SC2086
	penstock mount -o engine=kernel,locks=lower $filters "$lower" /w/view \
		> /w/said 2>&1 || {
		say_bad serve.mount "$(head -c 300 /w/said)"
		return 1
	}
}

ends_by_umount() { # NAME
	check "$1.umount" umount /w/view
	check "$1.process-ends" wait_for n_processes 0
}

as_the_daemon_serves() { # FS
	mask=mask,names=*.key:*.kay,paths=/shut
	for write in deny allow; do
		make_data_tree "/w/$1/lower"
		make_data_tree "/w/$1/twin"
		if served "/w/$1/lower" "$mask,write=$write"; then
			check "$1.serve.process-stays" n_processes 1
			as_the_daemon "$1" "serve-$write" "$mask,write=$write" /data.sh
			ends_by_umount "$1.serve-$write"
		fi
		fresh "$1"
	done
}

# Changes by other processes below while the view is mounted.
changes_below() { # FS
	lower=/w/$1/lower
	make_data_tree "$lower"
	served "$lower" mask,names=*.key:moved || return
	cat /w/view/x.key > /w/before
	check "$1.serve.masked" sh -c '! grep -q secret /w/before'
	echo "another secret" > "$lower/x.key"
	check "$1.serve.written-below" sh -c '[ "$(cat /w/view/x.key)" = xxxxxxxxxxxxxx ]'
	cat /w/view/plain > /dev/null
	mv "$lower/plain" "$lower/p.key"
	check "$1.serve.renamed-below" sh -c '! grep secret /w/view/p.key'
	check "$1.serve.old-name-is-gone" [ ! -e /w/view/plain ]
	mv "$lower/p.key" "$lower/plain"
	check "$1.serve.renamed-back" grep -q secret /w/view/plain
	cat /w/view/a/n.key > /dev/null
	mv "$lower/a" "$lower/b"
	check "$1.serve.directory-moved" sh -c '[ -e /w/view/b/n.key ] &&
		! grep secret /w/view/b/n.key'
	mkdir "$lower/a"
	echo secret > "$lower/a/n.key"
	check "$1.serve.other-directory" sh -c '[ "$(cat /w/view/a/n.key)" = xxxxxx ]'
	mv /w/view/a /w/view/c
	check "$1.serve.moved-in-view" sh -c '[ "$(cat /w/view/c/n.key)" = xxxxxx ]'
	rm "$lower/c/n.key"
	mkdir "$lower/c/n.key"
	check "$1.serve.directory-instead" touch /w/view/c/n.key/f
	check "$1.serve.new-in-deep" sh -c 'mkdir -p /w/view/d/e/f; cd /w/view/d/e/f
		echo secret > new.key; mv /w/view/d /w/view/g; [ "$(cat new.key)" = xxxxxx ]'
	check "$1.serve.new-in-moved" sh -c 'mkdir -p /w/view/h/i/j; cd /w/view/h/i/j
		mv "$0/h/i" "$0/k"; mkdir -p "$0/h/i/j"
		echo secret > new.key; [ "$(cat new.key)" = xxxxxx ] && [ -e "$0/k/j/new.key" ]' \
		"$lower"
	check "$1.serve.new-in-removed" sh -c 'mkdir /w/view/l; cd /w/view/l; rmdir "$0/l"
		touch new.key 2>&1 | grep -q "No such file"' "$lower"
	check "$1.serve.statfs" sh -c 'cd /w/view
		[ "$(stat -f -c %t x.key)" = "$(stat -f -c %t .)" ]'
	check "$1.serve.sync" sync -f /w/view
}

# The process is killed while others read: the view of changes_below().
killed() { # FS
	mkfifo /w/hold
	data watch /w/view/x.key secret < /w/hold > /w/watched &
	pid=$!
	exec 4> /w/hold
	wait_for grep -q watching /w/watched || say_bad "$1.serve.watch" "it does not read"
	kill -9 "$(pidof penstock)"
	wait_for n_processes 0
	sleep 1
	for i in 1 2 3; do
		echo $i > /proc/sys/vm/drop_caches
		for f in x.key b/n.key also.key also dir.key/f; do
			cat /w/view/$f 2>&1 | sed 's/^.*: //'
		done
	done > /w/out
	check "$1.serve.killed-no-data" sh -c '! grep secret /w/out'
	check "$1.serve.killed-errors" sh -c 'sort /w/out | uniq -c
		[ "$(sort -u /w/out)" = "Transport endpoint is not connected" ]'
	check "$1.serve.killed-others" grep -q secret /w/view/plain
	check "$1.serve.killed-listing" sh -c 'cd /w/view; echo * | grep -q x.key'
	check "$1.serve.killed-create" sh -c '! touch /w/view/new.key 2> /dev/null'
	check "$1.serve.killed-rename" sh -c '! mv /w/view/plain /w/view/x2.key 2> /dev/null'
	check "$1.serve.killed-rename-2" sh -c '! mv /w/view/x.key /w/view/x2 2> /dev/null'
	check "$1.serve.killed-create-other" touch /w/view/new
	exec 4>&-
	wait $pid
	check "$1.serve.killed-never-data" [ $? = 0 ]
	rm /w/hold
	check "$1.serve.killed-umount" penstock umount /w/view
	fresh "$1"
}

served_without() { # LOWER
	make_data_tree "$1"
	penstock mount -o engine=kernel,locks=lower "$1" /w/view > /w/said 2>&1 && return
	say_bad serve.mount "$(head -c 300 /w/said)"
	return 1
}

# A filter that sees data comes to a mounted view, with its process, and both go again.
served_later() { # FS
	mask=mask,names=*.key:*.kay,paths=/shut,write=allow
	later=$1.serve.later
	make_data_tree "/w/$1/twin"
	served_without "/w/$1/lower" || return
	find /w/view -type f -exec cat {} + > /dev/null
	exec 5< /w/view/x.key
	check $later-add penstock filter add /w/view "$mask"
	check $later-process n_processes 1
	check $later-masked sh -c '! grep -h secret /w/view/x.key /w/view/shut/f'
	check $later-open-file sh -c 'grep -q secret <&5'
	exec 5<&-
	as_the_daemon "$1" serve-later "$mask" /data.sh
	# The commands have written to these.
	mkdir -p "/w/$1/lower/shut"
	for f in plain one also.key shut/f; do echo "secret of $f" > "/w/$1/lower/$f"; done
	check $later-second penstock filter add /w/view mask,name=m2,names=plain
	check $later-one-process n_processes 1
	check $later-second-masked sh -c '! grep -h secret /w/view/plain /w/view/also.key'
	check $later-replace penstock filter replace /w/view m2 mask,name=m2,names=one
	check $later-replaced sh -c 'grep -q secret /w/view/plain && ! grep secret /w/view/one'
	check $later-list sh -c 'penstock filter list /w/view | grep -q "m2,names=one\|name=m2"'
	check $later-remove-second penstock filter remove /w/view m2
	check $later-removed-second grep -q secret /w/view/one
	exec 5< /w/view/also.key
	check $later-remove penstock filter remove /w/view mask
	check $later-removed grep -q secret /w/view/also.key /w/view/shut/f
	check $later-in-use n_processes 1
	exec 5<&-
	check $later-other-change sh -c \
		'penstock filter add /w/view pass && penstock filter remove /w/view pass'
	check $later-process-ends wait_for n_processes 0
	check $later-again penstock filter add /w/view "$mask"
	check $later-again-masked sh -c '! grep secret /w/view/also.key'
	check $later-remove-again penstock filter remove /w/view mask
	check $later-ends-at-once wait_for n_processes 0
	check $later-add-third penstock filter add /w/view "$mask"
	kill -9 "$(pidof penstock)"
	check $later-killed sh -c '! grep secret /w/view/also.key'
	check $later-remove-killed penstock filter remove /w/view mask
	check $later-without grep -q secret /w/view/also.key
	check $later-umount umount /w/view
	fresh "$1"
}

# The process comes and goes while others use the view; its filter changes nothing.
later_under_load() { # FS
	served_without "/w/$1/lower" || return
	stress "/w/$1/lower" /w/view 12 4 > /w/stress-out 2>&1 &
	pid=$!
	n=0
	while kill -0 $pid 2> /dev/null; do
		n=$((n + 1))
		check "$1.serve.load-add-$n" penstock filter add /w/view data,all
		sleep 1
		check "$1.serve.load-remove-$n" penstock filter remove /w/view data
		sleep 0.3
	done
	wait $pid && say_ok "$1.serve.load" ||
		say_bad "$1.serve.load" "$(grep -e '(!)' -e wrong /w/stress-out | tr '\n' ' ')"
	ends_by_umount "$1.serve.load"
	fresh "$1"
}

# Filters with memory run in the process only.
whole() { # FS
	lower=/w/$1/lower
	make_data_tree "$lower"
	served "$lower" quota,files=3 hide,names=*.key || return
	check "$1.serve.quota" sh -c 'touch /w/view/1 /w/view/2; mkdir /w/view/3
		! touch /w/view/4 2> /dev/null && ! mkdir /w/view/4 2> /dev/null'
	# The process learns that a file was closed only after close(2) has returned.
	check "$1.serve.quota-again" sh -c 'rm /w/view/1
		for i in 1 2 3 4 5 6 7 8 9; do mkdir /w/view/5 && exit; sleep 1; done; exit 1'
	check "$1.serve.quota-hides" sh -c '! ls -a /w/view | grep key && [ ! -e /w/view/x.key ]'
	check "$1.serve.quota-writes" sh -c 'echo text >> /w/view/plain; grep -q text /w/view/plain'
	ends_by_umount "$1.serve.quota"
	fresh "$1"
	make_data_tree "$lower"
	served "$lower" fault,ops=read:mkdir,names=*.key,error=ENOSPC || return
	check "$1.serve.fault" sh -c 'cat /w/view/x.key 2>&1 | grep -q "No space"'
	check "$1.serve.fault-mkdir" sh -c 'mkdir /w/view/d.key 2>&1 | grep -q "No space"'
	check "$1.serve.fault-others" sh -c 'mkdir /w/view/d; cat /w/view/plain'
	ends_by_umount "$1.serve.fault"
	fresh "$1"
}

# The caller may search the directory by the owner that is shown, and so may the process.
served_as_shown() { # FS
	lower=/w/$1/lower
	mkdir -m 700 "$lower/d"
	echo text > "$lower/d/a.key"
	echo text > "$lower/d/plain"
	as='/bin/setpriv --reuid 1000 --regid 1000 --clear-groups'
	served "$lower" owner,uid=1000,gid=1000 mask,names=*.key,write=allow || return
	check "$1.serve.shown-plain" $as cat /w/view/d/plain
	check "$1.serve.shown" $as cat /w/view/d/a.key
	check "$1.serve.shown-rename" $as mv /w/view/d/a.key /w/view/d/b.key
	check "$1.serve.shown-create" $as touch /w/view/d/new.key
	ends_by_umount "$1.serve.shown"
	fresh "$1"
	echo text > "$lower/x.key"
	served "$lower" audit,at=/x.key mask,names=*.key,write=allow || return
	check "$1.serve.at-stays" sh -c '! rm /w/view/x.key 2> /dev/null'
	check "$1.serve.at-keeps-its-name" sh -c '! mv /w/view/x.key /w/view/y.key 2> /dev/null'
	ends_by_umount "$1.serve.at"
	fresh "$1"
}

serve() { # FS
	export PENSTOCK_FILTER_PATH=/filters
	[ -e /filters/mask.bpf.o ] && [ -x /bin/penstock ] || return
	# The verdicts of filters do not depend on the lower file system.
	if [ "$1" = ext4 ]; then
		changes_below "$1" && killed "$1"
		later_under_load "$1"
	else
		served_as_shown "$1"
		as_the_daemon_serves "$1"
		served_later "$1"
		# The debugging kernel takes minutes to check these filters.
		is_debug || whole "$1"
	fi
	log_is_silent "$1.serve"
}
