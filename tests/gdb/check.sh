#!/bin/sh
# Copyright (c) 2026 the weft authors
# SPDX-License-Identifier: BSL-1.0
# check.sh <gdb> <weft-gdb.py> <program>: the commands on the program where it dies, and on its core file.
set -eu
gdb=$1 script=$2 program=$3
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"

look() {
    for part in \
        '"outermost" [chan receive] at inner(weft::channel<int>)' \
        'parked.cpp:1' \
        '"two\nlines" [sleep] at ' \
        '5 goroutines' \
        '3 goroutines' \
        'outer(weft::channel<int>)' \
        'created by goroutine ' \
        'worker 1: ' \
        'no goroutine 12345'
    do
        if ! grep -qF -- "$part" "$1"; then
            echo "$1 lacks: $part"
            cat "$1"
            exit 1
        fi
    done
}

ask() { # gdb's arguments; its words go to the file $1
    out=$1
    shift
    "$gdb" -nx -batch "$@" -ex "source $script" -ex 'weft goroutines' -ex 'weft goroutines sleep' \
        -ex 'weft goroutines -v' -ex 'weft workers' -ex 'weft goroutine 12345' >"$out" 2>&1 || true
}

ask live.txt -ex run -ex "generate-core-file $dir/core" "$program"
look live.txt
if [ -f core ]; then
    ask core.txt "$program" "$dir/core"
    look core.txt
fi
