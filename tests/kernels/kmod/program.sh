# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh disable=SC2154
#
# Views of programs that use the library with engine=kernel: guest.sh reads this file.

make_answers_tree() { # DIR
	mkdir -p "$1/a/b" "$1/gone-dir"
	for f in plain a/b/deep ram-lower gone-1 moved-1; do echo "$f" > "$1/$f"; done
	chown -R 1000:1000 "$1"
}

is_mounted_at() { grep -q " $1 $2" /proc/mounts; }

# Starts a program that mounts a view and serves it.
start_program() { # ENGINE VIEW CMD...
	type=fuse view=$2
	[ "$1" = kernel ] && type=penstock
	shift 2
	"$@" > /w/program.log 2>&1 &
	program=$!
	wait_for is_mounted_at "$view" "$type" ||
		say_bad program.mount "$(head -c 300 /w/program.log)"
}

ends() { # NAME VIEW
	check "$1.umount" umount "$2"
	wait $program
	check "$1.ends" [ $? = 0 ]
}

# The files in memory of examples/ramfs under names that a filter sends to it, in both engines. A
# name that only the operation has sent there is gone when the kernel looks it up again, so the
# daemon has no cache either.
names_of_program() { # FS
	lower=/w/$1/lower
	for engine in kernel fuse; do
		tree=$lower at=/w/view out=module cache=
		[ $engine = fuse ] && tree=/w/$1/twin at=/w/fuse out=daemon cache=cache=none,
		make_answers_tree "$tree"
		mkdir -p $at
		start_program $engine $at ramfs \
			-o "by_filters,${cache}engine=$engine,filter=send" "$tree" $at
		sh /answers.sh $at > /w/of-$out
		[ $engine = kernel ] && check "$1.program.second-is-said" sh -c \
			'penstock stat /w/view | grep -q "^engine *kernel"'
		ends "$1.program.$engine" $at
	done
	same_as_module "$1" program
	fresh "$1"
}

# A program that answers what it likes, and does not wait for a filter: the second tree serves all.
whole_program() { # FS
	start_program kernel /w/view ramfs -o engine=kernel "/w/$1/lower" /w/view
	check "$1.program.whole" sh -c 'cd /w/view && mkdir -p d/e && echo text > d/e/f &&
		mv d/e/f g && cat g && ln g h && [ "$(stat -c %h g)" = 2 ]'
	check "$1.program.whole-below" is_empty "/w/$1/lower"
	ends "$1.program.whole" /w/view
	fresh "$1"
}

# The program is killed while its files are in use.
killed_program() { # FS
	lower=/w/$1/lower
	make_answers_tree "$lower"
	start_program kernel /w/view ramfs -o by_filters,engine=kernel,filter=send "$lower" /w/view
	mkdir /w/view/ram-dir
	echo text > /w/view/ram-dir/f
	echo text > /w/view/ram-f
	n=0
	while [ $n -lt 4 ]; do
		n=$((n + 1))
		while [ ! -e /w/stop ]; do
			cat /w/view/ram-f /w/view/ram-dir/f /w/view/ram-lower /w/view/plain
			echo more >> /w/view/ram-$n
			mkdir -p /w/view/made-$n
			mv /w/view/ram-$n /w/view/ram-dir/$n
			rm -rf /w/view/ram-dir/$n /w/view/made-$n
		done > /w/busy-$n 2>&1 &
	done
	sleep 2
	kill -9 $program
	wait $program
	sleep 1
	: > /w/stop
	wait
	rm /w/stop
	dead="Transport endpoint is not connected"
	for f in ram-f ram-lower ram-dir/f a/ram-f ram-none; do
		check "$1.program.killed-$f" sh -c "cat /w/view/$f 2>&1 | grep -q '$dead'"
	done
	check "$1.program.killed-create" sh -c '! mkdir /w/view/made-x && ! touch /w/view/ram-x'
	check "$1.program.killed-remove" sh -c "! rm /w/view/gone-1 && [ -e $lower/gone-1 ]"
	check "$1.program.killed-no-data" sh -c '! grep -hx ram-lower /w/busy-*'
	check "$1.program.killed-others" sh -c 'cat /w/view/plain && echo x > /w/view/new'
	check "$1.program.killed-umount" umount /w/view
	fresh "$1"
}

# Filters only: no process stays, and what the library says of the view.
without_process() { # FS
	lower=/w/$1/lower
	make_answers_tree "$lower"
	check "$1.program.filters" library "$lower" /w/view
	check "$1.program.filters-stay" sh -c '[ ! -e /w/view/x.key ] && [ -e /w/view/plain ]'
	check "$1.program.filters-umount" penstock umount /w/view
	fresh "$1"
}

program() { # FS
	export PENSTOCK_FILTER_PATH=/filters
	[ -e /filters/send.bpf.o ] && [ -x /bin/ramfs ] || return
	names_of_program "$1"
	killed_program "$1"
	# The verdicts of filters do not depend on the lower file system.
	[ "$1" = ext4 ] || { whole_program "$1"; without_process "$1"; }
	log_is_silent "$1.program"
}
