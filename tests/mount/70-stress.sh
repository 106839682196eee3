# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# Random operations, then a comparison: of data with a model in memory, of names in view and lower
# tree.

LIMIT[random_operations_on_names_equal_lower]=120
LIMIT[random_io_matches_model]=120

# With cache=exclusive the kernel must not answer from a stale cache.
each_random_io_matches_model() {
	local cache seed
	lower ext4
	for cache in none exclusive; do
		view -o cache=$cache
		for seed in 1 2 3; do
			act model "$VIEW/$cache$seed" "$seed$seed" 1500 || fail "$cache, seed $seed"
			ok "$cache-$seed"
		done
		unview
	done
	view -o cache=none
	same
}

# Several processes at once, while memory is short now and then.
each_random_io_of_several_processes_matches_models() {
	local seed pids=()
	lower ext4
	view
	for seed in 21 22 23 24; do
		"$TOOLS/act" model "$VIEW/f$seed" $seed 800 > "$T/said$seed" 2>&1 9>&- &
		pids+=($!)
	done
	for _ in 1 2 3 4 5; do
		sleep 0.2
		echo 1 > /proc/sys/vm/drop_caches
	done
	for seed in "${!pids[@]}"; do
		wait "${pids[seed]}" || fail "$(cat "$T"/said*)"
	done
	same -x
}

# Once on xfs and on tmpfs.
once_random_io_matches_model_on_other_file_systems() {
	local type
	for type in xfs btrfs tmpfs; do
		lower $type
		view -o cache=none "$LOWER" "$T/on-$type"
		act model "$VIEW/f" 31 1000 || fail "$type"
		same
		unview
	done
}

each_random_operations_on_names_equal_lower() {
	local cache seed
	lower ext4
	for cache in none exclusive; do
		view -o cache=$cache
		for seed in 1 2; do
			act shuffle "$VIEW" $seed 4 1700 || fail "$cache, seed $seed"
			# The kernel may keep an old access time: a reply was under way while a read
			# that passed through moved the time.
			same $([ $cache = none ] || echo -x)
			ok "$cache-$seed"
		done
		unview
	done
}

once_random_operations_on_names_equal_lower_without_handles() {
	lower overlay
	view -o cache=none
	act shuffle "$VIEW" 7 4 1500 || fail "seed 7"
	same
}

# Unpacks an archive in the view.
each_unpacked_archive_equals_original() {
	lower ext4
	view
	(cd "$TESTS/.." && tar cf - .) > "$T/tar" || fail tar
	mkdir "$VIEW/a" "$TWIN/a"
	tar xf "$T/tar" -C "$VIEW/a" || fail "tar in the view"
	tar xf "$T/tar" -C "$TWIN/a"
	diff -r "$VIEW/a" "$TWIN/a" || fail "not what was unpacked"
	cp -a "$VIEW/a" "$VIEW/b"
	diff -r "$VIEW/a" "$VIEW/b" || fail "not what was copied"
	same
	rm -r "$VIEW/a" "$VIEW/b"
	equal "$(ls -A "$LOWER")" ""
}

each_git_repository_is_sound() {
	command -v git > /dev/null || skip "git is not installed"
	lower ext4
	view
	export HOME=$T GIT_CONFIG_NOSYSTEM=1
	git init -q "$VIEW/repo" && cd "$VIEW/repo" || fail init
	git config user.email nobody@example.invalid
	git config user.name Nobody
	local i
	for i in $(seq 100); do echo "line $i" > "file$i"; done
	git add . && git commit -qm first || fail commit
	echo more >> file7
	equal "$(git status --porcelain)" " M file7"
	git commit -qam second && git checkout -q HEAD~1 && git checkout -q - || fail checkout
	git gc -q || fail gc
	git fsck --strict > /dev/null 2>&1 || fail fsck
	cd "$T" || fail cd
	same
}

each_sqlite_database_is_sound() {
	python3 -c 'import sqlite3' 2> /dev/null || skip "no sqlite3"
	lower ext4
	view
	python3 - "$VIEW/db" <<-'X' || fail "sqlite"
	import sqlite3, sys, threading
	for mode in ("delete", "wal"):
	    base = sqlite3.connect(sys.argv[1] + mode)
	    base.execute("pragma journal_mode=" + mode)
	    base.execute("create table t (a integer)")
	    base.commit()
	    def work(n):
	        c = sqlite3.connect(sys.argv[1] + mode, timeout=30)
	        for i in range(30):
	            c.execute("insert into t values (?)", (n * 1000 + i,))
	            c.commit()
	        c.close()
	    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
	    for t in threads: t.start()
	    for t in threads: t.join()
	    assert base.execute("select count(*) from t").fetchone()[0] == 120
	    assert base.execute("pragma integrity_check").fetchone()[0] == "ok"
	X
}
