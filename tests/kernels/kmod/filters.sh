# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh
#
# filters.sh VIEW: runs commands in a view that hides *.key, .env and the paths /shut and /a/b/in.
# Prints the results and errors, without the path of the view. guest.sh compares the output for the
# kernel module with that for the daemon.
cd "$1" || exit 2

say() { # CMD...
	echo "\$ $*"
	"$@" 2>&1
	echo "= $?"
}
# Prints the names in a directory and below it.
tree() { find "${1:-.}" | sort; }

say tree
say ls -a
say ls -a a/b
say ls shut
say ls a/b/in
say stat -c %n:%F:%h x.key .env plain a/b/in/f a/b/out/f many
for name in x.key .env shut a/b/in a/b/in/f a/n.key; do
	say cat $name
	say sh -c "echo new > $name"
	say sh -c "echo new >> $name"
	say mkdir $name
	say mknod $name p
	say mknod $name c 1 3
	say ln -s plain $name
	say readlink $name
	say ln plain $name
	say ln $name linked
	say mv plain $name
	say mv $name moved
	say rm $name
	say rm -f $name
	say rmdir $name
	say chmod 600 $name
	say touch $name
	say touch -c $name
	say ls -d $name
	say cp plain $name
	say truncate -s 5 $name
done
say tree
# Names that only look like the hidden ones.
for name in key x.keys .envs shut2 a/shut a/in; do
	say sh -c "echo $name > $name"
	say cat $name
	say mv $name $name.new
	say ln $name.new $name
	say rm $name.new
done
say mkdir a/shut/x
say mkdir -p new/shut new/a/b/in
say mv plain new/plain
say mv new/plain plain
# A directory moves only where the same paths are hidden.
say mv a new/a2
say mv a/b a/b2
say mv new/a a/new
say mv new shut
say mv new shut3
say mv shut3 new
say rm -r new/shut
# A directory with hidden names in it.
say rmdir onlyhidden
say rm -r onlyhidden
say ls -a onlyhidden
# A name that is hidden by one path only.
say ln a/b/out/f a/b/f
say ln a/b/out/f f2
say mv f2 a/b/f3
say stat -c %n:%h a/b/out/f a/b/f a/b/f3
# Long listings come in several batches, also with names of 255 bytes.
say ls many
say sh -c 'ls many | wc -l'
say sh -c 'ls -a long | md5sum'
for i in 1 2 3 4 5; do say mkdir many/d$i many/d$i.key; done
say sh -c 'ls many | wc -l'
say rm -r many
say tree many
say sh -c 'echo text > l; cat l; rm l'
say tree
