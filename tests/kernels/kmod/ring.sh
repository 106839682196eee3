# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# Functions of "run" for ring 2: the mount tests, on views of the kernel engine, in a virtual
# machine that has the files of this machine.
#
# The root directory of the virtual machine is this machine's, read-only, by virtiofs; what the
# tests write goes to memory of the virtual machine (overlayfs). So all tools of the tests are
# there, and this tree at the same path; its files must not change meanwhile. The program virtiofsd
# comes with qemu before version 8, and from a package of its own later.

virtiofsd() { # FOLDER SOCKET
	local program
	for program in /usr/lib/qemu/virtiofsd /usr/libexec/virtiofsd; do
		[ -x $program ] || continue
		exec $program --socket-path="$2" -o source="$1" -o cache=always -o sandbox=chroot
	done
	echo "it is not installed" >&2
	return 1
}

# Shares the file systems that have /, this tree and the cache. They lie on each other in FOLDER,
# read-only, in a mount namespace that ends with the process. Sets $SHARING to its number.
share_root() { # FOLDER SOCKET
	export -f virtiofsd
	mkdir -p "$1"
	rm -f "$2"
	# shellcheck disable=SC2016
	unshare -m --propagation private bash -c '
		for d in / "$3" "$4"; do
			mount --bind "$d" "$1$d" && mount -o remount,bind,ro "$1$d" || exit
		done
		virtiofsd "$1" "$2"' _ "$1" "$2" "$top" "$cache" > "$2.log" 2>&1 &
	SHARING=$!
	until [ -S "$2" ]; do
		kill -0 $SHARING 2> /dev/null || return
		sleep 0.1
	done
}

# The initramfs mounts the root directory, and hands over to ring-guest.sh there.
pack_ring() { # SUITE
	local dir
	dir=$(mktemp -d "$work/pack.XXXXXX")
	mkdir "$dir"/{bin,proc,sys,dev,mods,lower,written,root}
	cp "$(command -v busybox)" "$dir/bin/busybox"
	pack_modules "$1" "$dir" overlay
	install "$work/$1.ko" "$dir/mods/99-penstock.ko"
	strip -d "$dir/mods/99-penstock.ko"
	cat > "$dir/init" <<-E
	#!/bin/busybox sh
	/bin/busybox --install /bin
	export PATH=/bin PJDFSTEST='${PJDFSTEST:-}'
	mount -t proc p /proc; mount -t devtmpfs d /dev; mount -t sysfs s /sys
	for f in /mods/*.ko; do insmod "\$f"; done
	mount -t virtiofs -o ro root /lower && mount -t tmpfs t /written &&
		mkdir /written/upper /written/work &&
		mount -t overlay -o lowerdir=/lower,upperdir=/written/upper,workdir=/written/work \
			o /root
	for d in proc sys dev; do mount --move /\$d /root/\$d; done
	exec switch_root /root "$here/ring-guest.sh" "$cache/kmod/$1/root" "${RING-$RING_SHORT}"
	E
	chmod +x "$dir/init"
	(cd "$dir" && find . | cpio --quiet -o -H newc | gzip -1 > "$work/ring-$1.gz")
	rm -rf "$dir"
}

# The cases that "make test-kernels" runs: those that find most in a few minutes.
RING_SHORT='12-*ro_ 14- 16- 21- 80- 85-*known_before_is_hidden@ 86-*caller'
RING_SHORT+=' 88-*verdict 90-*runs'

ring2() { # SUITE
	local folder=$work/ring-$1.root socket=$work/ring-$1.socket
	if ! share_root "$folder" "$socket"; then
		printf 'skip files: virtiofsd does not work: %s\nRESULT-OK\n' \
			"$(head -n 1 "$socket.log")" > "$work/ring-$1.log"
		return
	fi
	pack_ring "$1"
	TMO=${TMO:-7200} machine "ring-$1" "$cache/kmod/$1/vmlinuz" "" -m 8G \
		-object memory-backend-memfd,id=memory,size=8G,share=on \
		-numa node,memdev=memory -chardev "socket,id=files,path=$socket" \
		-device vhost-user-fs-pci,chardev=files,tag=root
	# It ends with the virtual machine.
	wait $SHARING
}
