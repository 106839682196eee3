# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh disable=SC2154
#
# Each ready-made filter in a view of the module and in one of the daemon: guest.sh reads this file.

# The tree for ready.sh, which belongs to user 1000.
make_ready_tree() { # DIR
	make_data_tree "$1"
	mkdir "$1/dir"
	for f in dir/o.key dir/f gone-0 gone-1000 gone-1001; do echo $f > "$1/$f"; done
	chown -R 1000:1000 "$1/dir" "$1"/gone-*
	chmod 777 "$1" "$1/dir"
}

# Ready-made filters that no other phase compares, and several at once. A process runs those that
# have memory or see data. The table in docs/engines.md has the results.
ready() { # FS
	export PENSTOCK_FILTER_PATH=/filters
	[ -e /ready ] && [ -x /bin/penstock ] || return
	rules=/w/rules
	printf '%s\n' 'hide gone-*' 'allow gone-0' 'readonly *.key' 'deny(unlink,rename) /dir/**' \
		'mask(values) /shut/' 'owner 1001:77 plain' 'audit changes' > $rules
	grep -vxE 'hide|hide-for|map|mask|mirror|owner|rules' /ready > /w/untried
	while read -r specs; do
		name=$(echo "$specs" | sed 's/,[^ ]*//g; y/ /+/')
		for spec in $specs; do sed -i "/^${spec%%,*}$/d" /w/untried; done
		make_ready_tree "/w/$1/lower"
		make_ready_tree "/w/$1/twin"
		# shellcheck disable=SC2086
		if served "/w/$1/lower" $specs; then
			as_the_daemon "$1" "$name" "$specs" /ready.sh < /dev/null
			ends_by_umount "$1.$name"
		fi
		fresh "$1"
	done <<- E
		perms,show=a+r,create=g+w:o-rwx,chmod=u+w
		changes,chmod=ignore,chmod_x,chown=ignore,delete=deny,rename=deny,xattr=deny
		fault,ops=setattr:mkdir:unlink,names=*.key:newdir,error=EDQUOT
		fault,ops=read:write:open,paths=/shut,error=EACCES
		quota,files=5,bytes=100000
		rate,read=1G,write=1G
		readonly,names=*.key,paths=/shut
		readonly-for,names=*.key,paths=/shut,uid=1001
		rules-mask,rules=$rules
		rules-owner,rules=$rules
		rules-audit,rules=$rules
		rules,file=$rules rules-mask,rules=$rules rules-owner,rules=$rules
		hide,names=gone-1 readonly,paths=/dir owner,uid=1001 audit
		attr,ctime_from_mtime,hide_hard_links
	E
	check ready.every-filter is_void /w/untried
	log_is_silent "$1.ready"
}

is_void() { ! grep . "$1"; }
