# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh
#
# Runs in the virtual machine, as root under busybox, in a tmpfs. The kernel's NFS server exports
# two file systems to the client on the same machine, one of them with root_squash. The script tests
# views of the client's mounts, and then exports a view.

. /lib.sh
. /settings

never=2147483647

# Exports DIR as exportfs(8) and mountd(8) do. Flags: insecure 2, root_squash 4, no_subtree_check
# 0x400, fsid= 0x2000, crossmnt 0x4000.
export_dir() { # DIR FSID FLAGS
	echo "me $1 $never $((0x2402 + $3)) 65534 65534 $2" > /proc/net/rpc/nfsd.export/channel
	printf 'me 1 \\x%02x000000 %s %s\n' "$2" "$never" "$1" > /proc/net/rpc/nfsd.fh/channel
}

serve_nfs() {
	ifconfig lo 127.0.0.1 up
	# The server stores its clients here. An empty directory tells it not to wait for any of
	# them.
	mkdir -p /var/lib/nfs/v4recovery /w/srv /w/nfs /w/view
	gunzip /disk.gz
	cp /disk /w/disk2
	mount -t ext4 -o loop /disk /w/srv
	mkdir /w/srv/squash /w/srv/view
	mount -t ext4 -o loop /w/disk2 /w/srv/squash
	mount -t nfsd nfsd /proc/fs/nfsd
	echo "nfsd 127.0.0.1 $never me" > /proc/net/rpc/auth.unix.ip/channel
	export_dir /w/srv 0 0x4000
	export_dir /w/srv/squash 1 4
	echo 10 > /proc/fs/nfsd/nfsv4gracetime
	echo "-3 +4 +4.1 +4.2" > /proc/fs/nfsd/versions
	echo "tcp 2049" > /proc/fs/nfsd/portlist
	echo 4 > /proc/fs/nfsd/threads
	echo Y > /proc/fs/nfsd/v4_end_grace
}

nfs_mount() { # PATH DIR [OPTIONS]
	mount -t nfs4 -o "addr=127.0.0.1,clientaddr=127.0.0.1,sec=sys,vers=4.2${3:+,$3}" "127.0.0.1:$1" "$2"
}

# Prints mode, owner, size and link count of each file in a directory.
listed() { # DIR
	(cd "$1" && find . | sort | xargs stat -c '%n %a %u %g %s %h')
}

differences() { # A B
	diff -U 0 "$1" "$2" | sed '1,2d; /^@@/d' | head -n 6 | tr '\n' ';'
}

# Prints the results without three differences that are allowed: the error, if an operation is
# refused for two reasons; with root_squash, a program of root that may only be executed (only
# execve(2) opens it for that, and a view cannot); and chdir(2), which the kernel decides by the
# mode.
answers() { # FILE NAME
	case $2 in squash*) limit='s/^\(file.exec [a-z]* 0 0711: \)E.*/\1refused/; /^dir.enter root .* 0700/d' ;; *) limit= ;; esac
	sed 's/^\(dir.mkdev .*: \|dir.tmpfile .*: \)E.*/\1refused/;'"$limit" "$1"
}

# Each operation by each caller on files of each mode and owner has the same result on NFS and in a
# view of it, and leaves the same files on the server.
as_on_nfs() { # NAME VERSION EXPORT OPTIONS
	name=$1 top=/w/srv$3/$1
	mkdir -p "$top/plain" "$top/lower"
	if ! callers make "$top/plain" "$NFS_SHARE" || ! callers make "$top/lower" "$NFS_SHARE"; then
		say_bad "$name" "the files cannot be made"
		return
	fi
	nfs_mount "$3/$1" /w/nfs "vers=$2" || { say_bad "$name" "cannot be mounted"; return; }
	callers run /w/nfs/plain "$NFS_SHARE" > /w/said
	answers /w/said "$name" > /w/plain
	view /w/nfs/lower "$4" || return
	callers run /w/view "$NFS_SHARE" > /w/said
	answers /w/said "$name" > /w/viewed
	backings=$(penstock stat --json /w/view | grep -o '"registered":[0-9]*' | cut -d: -f2)
	unview "$name"
	listed "$top/plain" > /w/left-plain
	listed "$top/lower" > /w/left-viewed
	echo "# $name: $(wc -l < /w/viewed) cases, $backings files passed through"
	if grep -q ' EIO' /w/viewed; then say_bad "$name.eio" "$(grep -m 3 ' EIO' /w/viewed | tr '\n' ';')"; else say_ok "$name.eio"; fi
	if cmp -s /w/plain /w/viewed; then say_ok "$name.answers"; else say_bad "$name.answers" "$(differences /w/plain /w/viewed)"; fi
	if cmp -s /w/left-plain /w/left-viewed; then say_ok "$name.left"; else say_bad "$name.left" "$(differences /w/left-plain /w/left-viewed)"; fi
	umount /w/nfs
	rm -rf "$top"
}

as_user() { # UID CMD...
	uid=$1
	shift
	/bin/setpriv --reuid "$uid" --regid "$uid" --clear-groups -- "$@"
}

fds_of() { ls "/proc/$1/fd" | wc -l; }

# The view has closed a file that was written and read, so that NFS leaves no .nfs file when it is
# removed, and its directory is empty.
removed_again_and_again() {
	for i in 1 2 3 4 5 6 7 8; do
		mkdir /w/view/sub
		for f in a b c d; do
			echo $f > /w/view/sub/$f
			cat /w/view/sub/$f > /w/other
		done
		mv /w/view/sub/a /w/view/sub/b
		rm -r /w/view/sub || return 1
	done
}

# Data passes through if the owner of the file has the caller's permission. The server has the data
# when the file has been closed. A removed file that is not open is gone.
data() {
	mkdir -m 777 /w/srv/data
	head -c 300000 /dev/urandom > /w/srv/data/big
	chown 1000 /w/srv/data/big
	nfs_mount /data /w/nfs
	view /w/nfs cache=auto || return
	check data.read cmp /w/view/big /w/srv/data/big
	check data.passed-through sh -c 'penstock stat --json /w/view | grep -q "\"registered\":[1-9]"'
	check data.nothing-served sh -c "! penstock stat --json /w/view | grep -q '\"READ\":'"
	as_user 1000 sh -c 'echo more >> /w/view/big; echo new > /w/view/new'
	check data.on-the-server-when-closed cmp /w/view/big /w/srv/data/big
	check data.created-on-the-server [ "$(cat /w/srv/data/new)" = new ]
	check data.removed removed_again_and_again
	exec 5< /w/view/new
	rm /w/view/new
	echo 3 > /proc/sys/vm/drop_caches
	check data.open-and-removed [ "$(cat <&5)" = new ]
	exec 5<&-
	unview data
	umount /w/nfs
}

# Nodes of files on NFS, whose handles are long, need no descriptors.
nodes() {
	mkdir -p /w/srv/nodes
	(cd /w/srv/nodes && seq 1500 | xargs touch && mkdir sub && echo text > sub/text)
	nfs_mount /nodes /w/nfs
	check nodes.probe sh -c 'penstock probe --all /w/nfs | grep -q "of [0-9]* bytes here: the view keeps no"'
	view /w/nfs cache=ttl=60,fds=32 || return
	find /w/view -type f -exec stat -c %s {} + > /dev/null
	check nodes.known sh -c 'n=$(penstock stat --json /w/view | grep -o "\"nodes\":[0-9]*" | cut -d: -f2); [ "$n" -gt 1500 ]'
	check nodes.without-descriptors [ "$(fds_of $pid)" -lt 120 ]
	cd /w/view/sub
	echo 3 > /proc/sys/vm/drop_caches
	check nodes.found-again [ "$(cat text)" = text ]
	cd /w
	unview nodes
	umount /w/nfs
}

# The client mounts another file system of the server below LOWER when a caller enters it. The view
# reads directories that root may not read (it is nobody there) as their owner.
below() {
	mkdir -m 700 /w/srv/squash/home
	echo mine > /w/srv/squash/home/f
	echo all > /w/srv/squash/g
	chown -R 1000:1000 /w/srv/squash/home
	nfs_mount / /w/nfs
	view /w/nfs cache=auto || return
	check below.entered [ "$(cat /w/view/squash/g)" = all ]
	check below.owner [ "$(as_user 1000 cat /w/view/squash/home/f)" = mine ]
	check below.refused sh -c '! cat /w/view/squash/home/f'
	unview below
	view /w/nfs cache=auto,xdev=hide || return
	check below.hidden sh -c '! cat /w/view/squash/g && ! ls /w/view/squash'
	unview below.hidden
	umount /w/nfs
	nfs_mount /squash /w/nfs
	check below.probe sh -c 'penstock probe --all /w/nfs/home | grep -q "view keeps no descriptor"'
	view /w/nfs/home cache=auto || return
	check below.private-lower [ "$(as_user 1000 cat /w/view/f)" = mine ]
	check below.private-lower-refused sh -c '! cat /w/view/f'
	unview below.private
	umount /w/nfs
	check below.kernel-is-calm sh -c '! dmesg | grep WARNING'
}

# Makes the server drop its caches of an exported file system, so that it can be unmounted.
forget_exports() {
	echo /w/srv/view > /proc/fs/nfsd/unlock_filesystem
	sleep 1
	for cache in nfsd.fh nfsd.export; do date +%s > /proc/net/rpc/$cache/flush; done
	sleep 1
	export_dir /w/srv 0 0x4000
	export_dir /w/srv/squash 1 4
}

viewed_as() { # OPTIONS
	penstock mount -o "$1" /w/low /w/srv/view > /w/said 2>&1 || { say_bad exported "$(cat /w/said)"; return 1; }
	export_dir /w/srv/view 2 0
}

# A view is exported, unmounted and mounted again: with a key (handles=), files that NFS clients
# have open stay usable.
exported() {
	mkdir -p /w/low/d
	echo text > /w/low/d/f
	viewed_as cache=none,handles=/w/key || return
	nfs_mount /view /w/nfs actimeo=0
	check exported.read [ "$(cat /w/nfs/d/f)" = text ]
	echo more >> /w/nfs/d/f
	check exported.written [ "$(cat /w/low/d/f)" = "text
more" ]
	for kept in key no-key; do
		options=cache=none
		[ $kept = no-key ] || options=$options,handles=/w/key
		cd /w/nfs/d
		exec 5< f
		forget_exports
		if ! wait_for umount /w/srv/view; then say_bad "exported.$kept" "the view is in use"; return; fi
		viewed_as $options || return
		echo 1 > /proc/sys/vm/drop_caches
		head -n 1 <&5 > /w/then 2>&1
		stat -c %s . >> /w/then 2>&1
		exec 5<&-
		cd /w
		[ $kept = key ] && check exported.handles-stay-valid grep -q text /w/then ||
			check exported.handles-end-without-a-key grep -q Stale /w/then
		sed 's/^/# exported: /' /w/then
	done
	umount -l /w/nfs
	forget_exports
	wait_for umount /w/srv/view
}

# Creates, moves and removes files repeatedly. Prints the failures.
churn() { # DIR NAME
	i=0
	while [ $i -lt 40 ]; do
		echo $i > "$1/$2" && mkdir "$1/$2.d" && mv "$1/$2" "$1/$2.d/f" && ln "$1/$2.d/f" "$1/$2" &&
			grep -q "^$i$" "$1/$2" "$1/$2.d/f" && rm "$1/$2" && rm -r "$1/$2.d" || {
			echo "$1/$2, round $i: failed"
			return 1
		}
		i=$((i + 1))
	done
}

# The server uses dentries of the view between two steps of one request. No operation of its clients
# or in the view may make the kernel drop such a dentry.
exported_names() {
	mkdir -p /w/low/n
	viewed_as cache=auto || return
	nfs_mount /view /w/nfs
	for where in /w/nfs /w/srv/view; do
		churn $where/n "a.${where##*/}" > "/w/churn.a.${where##*/}" 2>&1 &
		churn $where/n "b.${where##*/}" > "/w/churn.b.${where##*/}" 2>&1 &
	done
	wait
	cat /w/churn.* | sed 's/^/# exported: /'
	check exported.own-operations-fail-nowhere sh -c '! cat /w/churn.* | grep -q .'
	check exported.nothing-is-left [ -z "$(ls /w/low/n)" ]
	umount -l /w/nfs
	forget_exports
	wait_for umount /w/srv/view
}

serve_nfs
as_on_nfs plain-4.2 4.2 '' cache=auto
as_on_nfs squash-4.1 4.1 /squash cache=auto
data
nodes
below
exported
exported_names
[ $failed = 0 ] && echo RESULT-OK
