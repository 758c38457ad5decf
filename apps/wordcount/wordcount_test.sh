#!/bin/sh
# Copyright (c) 2026 the weft authors
# SPDX-License-Identifier: BSL-1.0
#
# wordcount_test.sh PROGRAM CASE: one test of wordcount on a small tree of its own.
set -u
program=$1
dir=$(mktemp -d) || exit 1
pid=
trap '[ -n "$pid" ] && kill -9 "$pid" 2>/dev/null; rm -rf "$dir"' EXIT

fail() {
    echo "FAILED: $*"
    echo "--- stdout"; cat "$dir/out"
    echo "--- stderr"; cat "$dir/err"
    exit 1
}
# Runs the program; its exit status must be the first argument.
expect_status() {
    expected=$1
    shift
    "$program" "$@" >"$dir/out" 2>"$dir/err" </dev/null
    status=$?
    [ "$status" = "$expected" ] || fail "exit status $status instead of $expected"
}
has() { grep -qE -- "$2" "$dir/$1" || fail "$1 has no line like: $2"; }
has_not() { ! grep -qE -- "$2" "$dir/$1" || fail "$1 has a line like: $2"; }

# Three files in three directories.
plant() {
    mkdir -p "$dir/tree/deep/deeper"
    awk 'BEGIN { for (i = 0; i < 60; ++i) print "The the 42the," }' >"$dir/tree/a.h"
    awk 'BEGIN { for (i = 0; i < 30; ++i) print "(WEFT)" }' >"$dir/tree/deep/b.txt"
    awk 'BEGIN { for (i = 0; i < 20; ++i) printf "go_routine-THE;"; print "na\303\257ve" }' \
        >"$dir/tree/deep/deeper/c"
}
# The whole of stdout up to the speed, which differs.
planted='         140  the
          30  weft
          20  go_routine
           1  naïve

191 words, 4 different
3 files, 1417 bytes in'

# A file that takes minutes to read, with nothing but "begin" in it, and one that cannot be read: the
# complaint about it says that the program is at work.
plant_endless() {
    mkdir "$dir/tree"
    echo begin >"$dir/tree/endless"
    dd if=/dev/zero of="$dir/tree/endless" bs=1 count=1 seek=1000000000000 2>/dev/null ||
        { echo "no sparse files here: nothing is tested"; exit 0; }
    ln -s nowhere "$dir/tree/unreadable"
}
stop_with() { # SIGNAL STATUS
    plant_endless
    "$program" --procs 2 "$dir/tree" >"$dir/out" 2>"$dir/err" </dev/null &
    pid=$!
    tries=0
    while ! grep -q unreadable "$dir/err" 2>/dev/null; do
        tries=$((tries + 1))
        [ $tries -lt 300 ] || fail "no complaint within 30 s"
        sleep 0.1
    done
    kill -s "$1" "$pid"
    wait "$pid"
    status=$?
    pid=
    [ "$status" = "$2" ] || fail "exit status $status instead of $2"
    has out '^ +1  begin$'
    has out '^0 files, [0-9]+ bytes in '
    has out "^partial result: stopped by SIG$1\$"
}

case $2 in
counts)
    plant
    expect_status 0 "$dir/tree"
    [ "$(sed 's/ bytes in .*/ bytes in/' "$dir/out")" = "$planted" ] || fail "wrong counts"
    [ ! -s "$dir/err" ] || fail "complaints"
    expect_status 0 --top=2 --readers 1 -- "$dir/tree"
    has out '^ +30  weft$'
    has_not out 'go_routine'
    ;;
every_pool_size)
    plant
    for procs in 1 2 4; do
        for readers in 1 7; do
            expect_status 0 --procs $procs --readers $readers "$dir/tree"
            [ "$(sed 's/ bytes in .*/ bytes in/' "$dir/out")" = "$planted" ] || fail "wrong counts"
        done
    done
    ;;
long_words) # over the ends of blocks, and one that is longer than many of them
    mkdir "$dir/tree"
    awk 'BEGIN { for (i = 0; i < 100000; ++i) printf "seventeen_letters " }' >"$dir/tree/many"
    awk 'BEGIN { for (i = 0; i < 1000000; ++i) printf "x" }' >"$dir/tree/one"
    expect_status 0 "$dir/tree"
    has out '^ +100000  seventeen_letters$'
    has out '^2 files, 2800000 bytes in '
    ;;
links) # to files they count, to directories they do not: no circle, nothing twice
    plant
    ln -s .. "$dir/tree/deep/up"
    ln -s . "$dir/tree/self"
    ln -s "$dir/tree" "$dir/tree/deep/deeper/root"
    ln -s deep/b.txt "$dir/tree/linked"
    ln -s "$dir/tree" "$dir/entry"
    expect_status 0 "$dir/entry"
    has out '^ +60  weft$'
    has out '^4 files, '
    [ ! -s "$dir/err" ] || fail "complaints"
    ;;
unreadable)
    plant
    ln -s nowhere "$dir/tree/dangling"
    ln -s circle "$dir/tree/circle"
    mkfifo "$dir/tree/fifo" # not a file: left alone
    count=2
    if [ -e /proc/self/mem ]; then # opens, but cannot be read
        ln -s /proc/self/mem "$dir/tree/broken"
        count=3
    fi
    expect_status 0 "$dir/tree"
    has err '^wordcount: .*/tree/dangling: '
    has err '^wordcount: .*/tree/circle: '
    [ $count = 2 ] || has err '^wordcount: .*/tree/broken: '
    [ "$(wc -l <"$dir/err")" -eq $count ] || fail "not $count complaints"
    has out '^ +140  the$'
    has out '^3 files, '
    has out "^$count could not be read and were skipped\$"
    ;;
missing)
    expect_status 1 "$dir/nowhere"
    has err '^wordcount: .*/nowhere: [A-Z]'
    [ ! -s "$dir/out" ] || fail "a result all the same"
    ;;
not_a_directory)
    plant
    expect_status 1 "$dir/tree/a.h"
    has err '^wordcount: .*/tree/a\.h: [A-Z]'
    [ ! -s "$dir/out" ] || fail "a result all the same"
    ;;
empty)
    mkdir -p "$dir/tree/nothing"
    : >"$dir/tree/hollow"
    expect_status 0 "$dir/tree"
    has out '^0 words, 0 different$'
    has out '^1 file, 0 bytes in '
    ;;
usage)
    expect_status 0 --help
    has out '^usage: wordcount '
    for bad in --no-such-flag -x --top "--top x" "--top 0" "--top=-1" "--procs 1x" "--readers 99999" \
        "--procs=" "--timeout" "--timeout 5" "--timeout -1s" "--timeout 0ms" \
        "--timeout=nans" "$dir $dir"; do
        # shellcheck disable=SC2086
        expect_status 2 $bad
        has err '^wordcount: .*; see wordcount --help$'
        [ ! -s "$dir/out" ] || fail "a result all the same"
    done
    ;;
full_disk)
    plant
    [ -e /dev/full ] || exit 0
    "$program" "$dir/tree" >/dev/full 2>"$dir/err"
    status=$?
    : >"$dir/out"
    [ "$status" = 1 ] || fail "exit status $status instead of 1"
    has err '^wordcount: the result could not be written$'
    ;;
progress) # one line, written over and over, and removed at the end
    command -v script >/dev/null && command -v timeout >/dev/null || exit 0
    plant_endless
    script -qec "timeout -s INT 1 '$program' '$dir/tree'" /dev/null >"$dir/out" 2>"$dir/err" </dev/null
    tr '\r\033' '\n!' <"$dir/out" >"$dir/lines"
    mv "$dir/lines" "$dir/out"
    has out '^[0-9]+ files?, [0-9.]+ MB, [0-9.]+ MB/s!\[K'
    has out '^!\[K'
    has out '^partial result: stopped by SIGINT'
    ;;
interrupt) stop_with INT 130 ;;
terminate) stop_with TERM 143 ;;
timeout)
    plant_endless
    expect_status 124 --timeout 500ms "$dir/tree"
    has out '^ +1  begin$'
    has out '^0 files, [0-9]+ bytes in '
    has out '^partial result: stopped by the timeout of 500 ms$'
    rm "$dir/tree/endless"
    plant
    expect_status 0 --timeout=5m "$dir/tree"
    has_not out 'partial'
    ;;
*)
    echo "no such case: $2"
    exit 1
    ;;
esac
