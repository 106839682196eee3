# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# Filters that show and set other owners, permissions and times: perms, map, mirror, changes, attr.
# The kernel must check each caller by the attributes that the view shows this caller.

# Makes $LOWER/NAME with an owner and a mode.
made() { # NAME OWNER MODE
	case $1 in
	*/) mkdir "$LOWER/$1" ;;
	*) echo text > "$LOWER/$1" ;;
	esac
	chown "$2" "$LOWER/$1"
	chmod "$3" "$LOWER/$1"
}

# Checks what stat(2), statx(2) with the time of creation (a request of its own), and a listing with
# attributes show of a file.
shows() { # FORMAT NAME WANT [CALLER]
	local as=${4:-0} created
	equal "$(as "$as" stat -c "$1" "$VIEW/$2")" "$3" "$2 to user $as"
	created=$(as "$as" stat -c "$1 %W" "$VIEW/$2")
	equal "${created% *}" "$3" "$2 to user $as with its time of creation"
	equal "$(as "$as" find "$VIEW" -path "$VIEW/$2" -exec stat -c "$1" {} +)" "$3" \
		"$2 to user $as by a listing"
}

below() { # FORMAT NAME WANT
	equal "$(stat -c "$1" "$LOWER/$2")" "$3" "$2 below"
}

# User CALLER may do each of "r", "w", "x" that MAY has with a file, and no other.
may() { # CALLER NAME MAY
	local got=''
	as "$1" cat "$VIEW/$2" > /dev/null 2>&1 && got+=r
	as "$1" sh -c 'true >> "$1"' - "$VIEW/$2" 2> /dev/null && got+=w
	as "$1" test -x "$VIEW/$2" && got+=x
	equal "$got" "$3" "the rights of user $1 for $2"
}

# ---- perms --------------------------------------------------------------------------------------

# chmod(1) on the twin computes the modes that the view has to show. With "=" it would clear set-ID
# and sticky bits, so it gets other words.
each_rule_shows_the_mode_that_chmod_makes() {
	lower ext4
	local rule words mode name
	for mode in 0 644 755 4711 1777 2070; do
		made f$mode 1000:1000 $mode
		made d$mode/ 1000:1000 $mode
	done
	filtered_view perms,show=a+r
	while read -r rule words; do
		rm -rf "${TWIN:?}"/*
		cp -a "$LOWER/." "$TWIN/"
		chmod "$words" "$TWIN"/*
		with perms "perms,show=$rule"
		for name in "$LOWER"/*; do
			name=${name##*/}
			equal "$(stat -c %A "$VIEW/$name")" "$(stat -c %A "$TWIN/$name")" \
				"$name with $rule"
		done
	done <<- END
		0 a-rwx
		0640 a-rwx,u+rw,g+r
		a-w a-w
		go-rwx go-rwx
		u=rw:go= a-rwx,u+rw
		a+x a+x
		g+w:o-x g+w,o-x
		=r a-rwx,a+r
	END
}

each_rule_for_directories_and_programs_is_bindfs_s() {
	lower ext4
	made plain 0:0 640
	made program 0:0 650
	made dir/ 0:0 640
	local rule
	filtered_view perms,show=a+r
	# Rule, and the modes of plain, program and dir. X, and u, g and o behind the operator, look
	# at the mode before all rules.
	while read -r rule plain program dir; do
		with perms "perms,show=$rule"
		shows %a plain "$plain"
		shows %a program "$program"
		shows %a dir "$dir"
	done <<- END
		a+X 640 751 751
		a+D 640 650 751
		0644:a+X 644 755 755
		0:u=rwD 600 600 700
		d+x 640 650 751
		of+r 644 654 640
		go=u 666 666 666
		u+g 640 750 640
		a-rwx:g=u 60 60 60
		og-x:og+rD:u=rwX:g+rw 664 764 775
	END
}

each_caller_has_the_rights_that_are_shown() {
	lower ext4
	local cache
	made secret 0:0 600
	made own 1000:1000 600
	made shared 1000:1000 644
	made dir/ 0:0 700
	made dir/inside 0:0 600
	for cache in none exclusive; do
		filtered_view -o cache=$cache perms,show=a+rwX
		may 1001 secret rw
		may 1001 dir/inside rw
		check as 1001 mkdir "$VIEW/dir/new"
		check as 1001 rmdir "$VIEW/dir/new"
		with perms perms,show=fgo-rwx
		may 1001 shared ''
		may 1000 shared rw
		may 1001 secret ''
		with perms perms,show=a-w
		may 1000 own r
		may 1001 shared r
		# Root may do what it may do anywhere.
		may 0 own rw
		chain remove perms
		may 1000 own rw
		unview
	done
	below '%a %u' secret '600 0'
}

# The kernel checks by the ACL if there is one, so its entries have to say what the mode says.
each_acl_shows_the_rules_too() {
	lower ext4
	local cache
	made f 1000:1000 640
	setfacl -m u:1001:rw,g:1002:rw,o::r "$LOWER/f"
	for cache in none exclusive; do
		filtered_view -o cache=$cache perms,show=a+x
		# The mask permits what the entry of user 1001 does not have.
		may 1001 f rw
		may 1003 f rx
		with perms perms,show=g-w:of=
		may 1001 f r
		may 1002:1002 f r
		may 1003 f ''
		equal "$(getfacl -pcn "$VIEW/f" 2> /dev/null | sed 's/\t.*//' | xargs)" \
			'user::rw- user:1001:rw- group::r-- group:1002:rw- mask::r-- other::---' \
			"the ACL of the view"
		shows %a f 640
		with perms perms,show=fg=
		shows %a f 604
		unview
	done
	equal "$(getfacl -pcn "$LOWER/f" | grep mask)" 'mask::rw-' "the mask below"
}

each_new_file_has_the_permissions_of_create() {
	lower ext4
	chmod 777 "$LOWER"
	filtered_view perms,create=g+rwD:o=
	check as 1000 sh -c 'umask 077; cd "$1"; echo > f; mkdir d; mkfifo p; ln -s f l
		cp f exclusive; chmod u-w f' - "$VIEW"
	below '%a %u' f '460 1000'
	below %a d 770
	below %a p 660
	below %a exclusive 660
	with perms perms,create=0644:a+X
	check as 1000 sh -c 'umask 0; cd "$1"; echo > f2; mkdir d2' - "$VIEW"
	below %a f2 644
	below %a d2 755
	python3 - "$VIEW" <<- 'END' || fail "a file without a name has another mode"
		import os, sys
		fd = os.open(sys.argv[1], os.O_TMPFILE | os.O_WRONLY, 0o600)
		assert os.fstat(fd).st_mode & 0o777 == 0o644, oct(os.fstat(fd).st_mode)
	END
	# A default ACL still limits what new files get.
	setfacl -d -m u::rwx,g::r,o::- "$LOWER/d2"
	check as 1000 sh -c 'echo > "$1"' - "$VIEW/d2/f"
	below %a d2/f 640
}

each_chmod_sets_what_the_rules_leave() {
	lower ext4
	made f 1000:1000 600
	made d/ 1000:1000 700
	filtered_view perms,chmod=go-w:o-rwx
	check as 1000 chmod 4777 "$VIEW/f"
	check as 1000 chmod 1777 "$VIEW/d"
	below %a f 4750
	below %a d 1750
	refused 'not permitted' as 1001 chmod 777 "$VIEW/f"
	check as 1000 setfacl -m u:1001:rw,o::rw "$VIEW/f"
	below %a f 4750
}

# ---- map ----------------------------------------------------------------------------------------

each_owner_and_group_is_mapped_both_ways() {
	lower ext4
	local cache
	chmod 777 "$LOWER"
	made f 1000:100 600
	made other 7:8 644
	made range 3005:3005 600
	for cache in none exclusive; do
		filtered_view -o cache=$cache \
			map,users=1000/2000:3000-3009/5000,groups=100/200:3000-3009/6000
		shows %u:%g f 2000:200
		shows %u:%g other 7:8
		shows %u:%g range 5005:6005
		may 2000 f rw
		may 1000 f ''
		may 5005 range rw
		may 3005 range ''
		check as 2000:200 sh -c 'cd "$1"
			echo > new; mkdir dir; ln -s f link; mkfifo pipe' - "$VIEW"
		local name
		for name in new dir link pipe; do
			below %u:%g $name 1000:100
			shows %u:%g $name 2000:200
		done
		check chown 5009:6000 "$VIEW/new"
		below %u:%g new 3009:3000
		check chown -h 2000 "$VIEW/link"
		below %u:%g link 1000:100
		check chown 7:8 "$VIEW/new"
		below %u:%g new 7:8
		check rm -r "$VIEW/new" "$VIEW/dir" "$VIEW/link" "$VIEW/pipe"
		unview
	done
}

each_offset_leaves_no_owner_without_counterpart() {
	lower ext4
	chmod 777 "$LOWER"
	made f 1000:1000 644
	filtered_view map,users=+100000,groups=+200
	shows %u:%g f 101000:1200
	equal "$(stat -c %u:%g "$VIEW")" 100000:200 "the root"
	check as 101001:1201 sh -c 'echo > "$1"' - "$VIEW/new"
	below %u:%g new 1001:1001
	refused 'too large' as 1001:1201 sh -c 'echo > "$1"' - "$VIEW/low"
	refused 'too large' chown 5 "$VIEW/f"
	unview
	chown 500:500 "$LOWER"
	made low 100:100 644
	filtered_view map,users=-200,groups=-200
	shows %u:%g f 800:800
	# User 65534, or any other, must not get the rights of an owner that cannot be shown.
	refused 'too large' stat "$VIEW/low"
	equal "$(ls "$VIEW" | tr '\n' ' ')" 'f low new ' "names"
}

each_map_can_be_read_from_a_passwd_file() {
	lower ext4
	made f 55:66 644
	printf 'root:x:7:7::/:\ndaemon:x:55:66::/:\nno-such:x:9:9::/:\n' > "$T/passwd"
	printf 'root:x:0:\ndaemon:x:66:\n' > "$T/group"
	local uid gid
	uid=$(id -u daemon) gid=$(getent group daemon | cut -d: -f3)
	filtered_view "map,users=$T/passwd,groups=$T/group"
	shows %u:%g f "$uid:$gid"
	check chown root "$VIEW/f"
	below %u f 7
	chown "$uid:$gid" "$LOWER/f"
	with map "map,users=$T/passwd,groups=$T/group,reverse"
	shows %u:%g f 55:66
}

each_acl_is_mapped_like_owners() {
	lower ext4
	made f 0:0 600
	setfacl -m u:1000:rw,g:100:r "$LOWER/f"
	filtered_view map,users=1000/2000,groups=100/200
	may 2000 f rw
	may 1000 f ''
	may 3000:200 f r
	may 3000:100 f ''
	check setfacl -m u:2000:r,u:7:r,g:200:rw "$VIEW/f"
	equal "$(getfacl -pcn "$LOWER/f" 2> /dev/null | grep -E ':(7|100|200|1000|2000):' |
		tr '\n' ' ')" 'user:7:r-- user:1000:r-- group:100:rw- ' "the ACL below"
	mkdir "$LOWER/d"
	check setfacl -d -m u:2000:rwx "$VIEW/d"
	equal "$(getfacl -pcn "$LOWER/d" | grep -c default:user:1000:rwx)" 1 "default ACL"
}

# A lower program of user 1000 that the view shows as root's must not run as root.
each_mapped_program_has_no_set_id_bits() {
	lower ext4
	cp "$(command -v id)" "$LOWER/p"
	chown 1000:1000 "$LOWER/p"
	chmod 6755 "$LOWER/p"
	filtered_view map,users=1000/0,groups=1000/0
	shows '%a %u' p '755 0'
	equal "$(as 1001 "$VIEW/p" -u):$(as 1001 "$VIEW/p" -g)" 1001:1001 "user and group"
}

# ---- mirror -------------------------------------------------------------------------------------

each_mirrored_user_is_the_owner() {
	lower ext4
	local uid
	chmod 777 "$LOWER"
	made f 7:8 600
	made d/ 7:8 700
	filtered_view mirror,users=1000:1001
	for uid in 1000 1001 1000; do
		shows %u:%g f "$uid:8" $uid
		may $uid f rw
		check as $uid touch "$VIEW/d/$uid" -d 2001-02-03
		check as $uid chmod 640 "$VIEW/f"
		check as $uid chmod 600 "$VIEW/f"
		below '%u:%g %a' d/$uid "$uid:$uid 644"
	done
	# Others see the real owner, and have the rights of others.
	shows %u:%g f 7:8 1002
	may 1002 f ''
	may 7 f rw
	refused 'not permitted' as 1002 chmod 777 "$VIEW/f"
	below '%u:%g %a' f '7:8 600'
}

each_mirror_only_refuses_all_others() {
	lower ext4
	made f 7:8 666
	made d/ 7:8 777
	filtered_view mirror,users=1000,only
	may 1000 f rw
	may 0 f rw
	may 7 f ''
	may 1001 f ''
	refused denied as 7 ls "$VIEW"
	refused denied as 1001 stat "$VIEW/f"
	refused denied as 1001 touch "$VIEW/d/new"
	equal "$(as 1001 stat -c %a "$VIEW")" 0 "the mode of the root"
	# A user to whom the directory was shown as the owner's a moment ago changes nothing for
	# others.
	as 1000 sh -c 'while :; do stat "$1/d" "$1" "$1/f"; done' - "$VIEW" > /dev/null &
	for _ in {1..100}; do
		refused denied as 1001 cat "$VIEW/f" > /dev/null
	done
	kill $!
}

# ---- changes ------------------------------------------------------------------------------------

each_refused_change_changes_nothing() {
	lower ext4
	cd "$LOWER" || return
	made f 1000:1000 644
	made d/ 1000:1000 755
	made d/g 1000:1000 644
	setfacl -m u:1:r f
	local before
	before=$(stat -c '%a %u %g %n' f d d/g; getfacl -pn f)
	filtered_view changes,chmod=deny,chown=deny,chgrp=deny,delete=deny,rename=deny,xattr=deny
	local caller
	for caller in 0 1000; do
		refused 'not permitted' as $caller chmod 600 "$VIEW/f"
		refused 'not permitted' as $caller setfacl -m u:1:rwx "$VIEW/f"
		refused 'not permitted' as $caller setfacl -b "$VIEW/f"
		refused 'not permitted' as $caller setfattr -n user.a -v b "$VIEW/d"
		refused 'not permitted' as $caller chown $caller "$VIEW/f"
		refused 'not permitted' as $caller chgrp $caller "$VIEW/f"
		refused 'not permitted' as $caller rm -f "$VIEW/d/g"
		answers EPERM rmdir "$VIEW/d"
		answers EPERM rename "$VIEW/f" "$VIEW/h"
	done
	equal "$(stat -c '%a %u %g %n' f d d/g; getfacl -pn f)" "$before" "attributes below"
	# All other changes are as before.
	check as 1000 sh -c 'echo more >> "$1"; touch -d 2001-02-03 "$1"; : > "$1"' - "$VIEW/f"
	below %s f 0
	cd / || return
}

each_ignored_change_succeeds_and_changes_nothing() {
	lower ext4
	cp "$(command -v id)" "$LOWER/p"
	chown 1000:1000 "$LOWER/p"
	chmod 6755 "$LOWER/p"
	made f 1000:1000 644
	local before name
	before=$(stat -c '%a %u %g %n' "$LOWER"/*)
	filtered_view changes,chmod=ignore,chown=ignore,chgrp=ignore
	for name in p f; do
		check chmod 700 "$VIEW/$name"
		check as 1000 chmod 700 "$VIEW/$name"
		check as 1000 setfacl -m u:1:rwx "$VIEW/$name"
		check chown 1 "$VIEW/$name"
		check chown 1:1 "$VIEW/$name"
		check chgrp 1 "$VIEW/$name"
		refused 'not permitted' as 1001 chmod 700 "$VIEW/$name"
		refused 'not permitted' as 1001 chown 1001 "$VIEW/$name"
	done
	equal "$(stat -c '%a %u %g %n' "$LOWER"/*)" "$before" "attributes below"
	same
	# A chown of both is a change of the one that is not ignored.
	with changes changes,chown=ignore
	check chown 1:2 "$VIEW/f"
	below %u:%g f 1000:2
	with changes changes,chgrp=ignore
	check chown 1:3 "$VIEW/f"
	below %u:%g f 1:2
}

each_execute_bits_can_still_change() {
	lower ext4
	made f 1000:1000 1640
	made d/ 1000:1000 700
	filtered_view changes,chmod=deny,chmod_x
	check as 1000 chmod 1751 "$VIEW/f"
	below %a f 1751
	refused 'not permitted' as 1000 chmod 1771 "$VIEW/f"
	refused 'not permitted' as 1000 chmod 751 "$VIEW/f"
	refused 'not permitted' as 1000 chmod 700 "$VIEW/d"
	with changes changes,chmod=ignore,chmod_x
	check as 1000 chmod 077 "$VIEW/f"
	below %a f 1651
	check as 1000 chmod 077 "$VIEW/d"
	below %a d 700
}

# ---- attr ---------------------------------------------------------------------------------------

each_ctime_and_link_count_can_be_hidden() {
	lower ext4
	made f 0:0 644
	touch -d 2001-02-03 "$LOWER/f"
	ln "$LOWER/f" "$LOWER/g"
	filtered_view attr,ctime_from_mtime,hide_hard_links
	shows '%Z %h' f "$(stat -c %Y "$LOWER/f") 1"
	check chmod 600 "$VIEW/f"
	shows '%Z %Y' f "$(stat -c '%Y %Y' "$LOWER/f")"
	check rm "$VIEW/g"
	equal "$(cat "$VIEW/f")" text "the other link"
	with attr attr,hide_hard_links
	shows '%Z %h' f "$(stat -c '%Z 1' "$LOWER/f")"
}
