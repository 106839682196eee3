# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# The ready-made filters do the same in the kernel as in the process of the view: the results of
# operations, the events, and the trees below are equal.

LIMIT[ready_made_filters_do_the_same_in_kernel_and_process]=500

# Makes the tree for each-operation.py, most of which belongs to user 1000.
place_tree() { # DIR
	local f
	rm -rf "$1"
	mkdir -p "$1/dir" "$1/gone"
	for f in plain x.key .env dir/f dir/o.key gone/f twice; do
		printf 'KEY=value of %s\nother: text\n' $f > "$1/$f"
	done
	ln "$1/twice" "$1/dir/again"
	ln -s plain "$1/link"
	mkfifo "$1/fifo"
	chown -hR 1000:1000 "$1"
	chown 0:1001 "$1/plain" "$1/dir/f"
	chmod 777 "$1" "$1/dir"
}

# Does all operations as another user, as the owner and as root, in a view with the filters. Writes
# to FILE what they see, the events, and the tree below.
place_log() { # kernel|process FILE SPEC...
	local specs=() spec uid
	for spec in "${@:3}"; do specs+=(-F "$spec"); done
	place_tree "$FS/$1"
	view -r -o "cache=none,filters=$1" "${specs[@]}" "$FS/$1"
	for uid in 1001 1000 0; do
		echo "# as $uid"
		as $uid env PATH=/usr/bin:/bin python3 "$T/each-operation.py" "$VIEW" ||
			fail "as $uid"
	done > "$2"
	"$PENSTOCK" trace --past --json "$VIEW" > "$T/events"
	equal "$(chain stat | awk '{ bad += $6 } END { print bad + 0 }')" 0 "bad runs of $3"
	unview
	{
		python3 -c 'import json, re, sys
for line in sys.stdin:
    about = json.loads(re.sub("#[0-9]* .deleted.", "deleted", line))
    if about["op"] != "release":
        print(*(about.get(key) for key in ("op", "uid", "path", "error", "event")))
' < "$T/events" | sort
		cd "$FS/$1" || fail "the tree is gone"
		find . ! -type d -printf '%p %M %n %U %G %s\n' | sort
		find . -type f | sort | xargs -d '\n' cat
	} >> "$2"
}

once_ready_made_filters_do_the_same_in_kernel_and_process() {
	local specs spec name rules=$T/rules
	need_filters
	lower ext4
	cp "$TESTS/tools/each-operation.py" "$T"
	printf '%s\n' 'hide gone .env' 'allow dir/.env' 'readonly *.key' \
		'deny(unlink,rename) /dir/**' 'mask(values) plain' 'mask dir/f' \
		'owner 1001:77 twice' 'audit changes' > "$rules"
	PENSTOCK_FILTER_PATH=${PENSTOCK_FILTER_PATH##*:} "$PENSTOCK" filter list |
		awk '/^[a-z-]+ / { print $1 }' > "$T/untried"
	while read -r -a specs; do
		for spec in "${specs[@]}"; do
			name=${spec%%,*}
			sed -i "/^$name$/d" "$T/untried"
		done
		place_log kernel "$T/kernel" "${specs[@]}"
		place_log process "$T/process" "${specs[@]}"
		check grep -q '^read plain' "$T/kernel"
		[[ ${specs[*]} != *audit* ]] || check grep -q "'filter': '$name'" "$T/kernel"
		diff "$T/kernel" "$T/process" || fail "${specs[*]}: the kernel (<), the process (>)"
	done <<- EOF
		attr,ctime_from_mtime,hide_hard_links
		audit,keep=20000
		changes,chmod=ignore,chmod_x,chown=ignore,delete=deny,rename=deny,xattr=deny
		fault,ops=setattr:mkdir:unlink:getxattr,names=*.key:new,error=EDQUOT
		fault,ops=read:write,torn=3,result=short,shorten=7
		hide,names=.env:*.key,paths=/gone
		hide-for,names=.env:*.key,paths=/gone,uid=1001
		map,users=1000/0:1001/1000,groups=1000-1001/77
		mask,names=plain:*.key,write=allow
		mask,how=values,paths=/dir
		mirror,users=0:1001
		owner,uid=1001,gid=7,create_uid=1000,chown=ignore
		perms,show=a+r:g=u,create=g-w:o-rwx,chmod=u+w
		quota,files=500,bytes=1000
		rate,read=1G,write=1G
		readonly,names=*.key,paths=/dir
		readonly-for,names=*.key,paths=/dir,uid=1001
		rules,file=$rules
		rules-audit,rules=$rules,keep=20000
		rules-mask,rules=$rules
		rules-owner,rules=$rules
		rules,file=$rules rules-mask,rules=$rules rules-owner,rules=$rules
		hide,names=.env readonly,paths=/dir owner,uid=1001 audit,changes_only,keep=20000
	EOF
	equal "$(cat "$T/untried")" '' "filters without a row here"
}
