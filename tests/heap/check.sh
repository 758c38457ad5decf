#!/bin/sh
# Copyright (c) 2026 the weft authors
# SPDX-License-Identifier: BSL-1.0
# usage: check.sh PROGRAM: heap profiles of tcmalloc and jemalloc, whichever are here, put under the program.
set -u
program=$1
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
checked=0

fail() { echo "heap: $*"; head -n 20 "$work/profile"; exit 1; }
library() { ldconfig -p 2>/dev/null | sed -n "s/.*lib$1\.so\.[0-9]* .*=> //p" | head -n 1; }

tcmalloc=$(library tcmalloc)
if [ -n "$tcmalloc" ]; then
    checked=1
    LD_PRELOAD=$tcmalloc "$program" >"$work/profile" && fail "tcmalloc without its profiler is not refused"
    grep -q HEAPPROFILE "$work/profile" || fail "nobody says how to turn tcmalloc's profiler on"
    LD_PRELOAD=$tcmalloc HEAPPROFILE=$work/own "$program" >"$work/profile" 2>/dev/null || fail "tcmalloc: no profile"
    head -n 1 "$work/profile" | grep -q '^heap profile:' || fail "not a profile of tcmalloc's"
    grep -q '^MAPPED_LIBRARIES' "$work/profile" || fail "tcmalloc: the profile has no end"
    if command -v go >/dev/null; then
        go tool pprof -symbolize=none -top -unit=B -inuse_space "$program" "$work/profile" >"$work/top" 2>&1
        bytes=$(sed -n 's/.* of \([0-9]*\)B total.*/\1/p; s/.*% total.* \([0-9]*\)B total.*/\1/p' "$work/top" | head -n 1)
        [ "${bytes:-0}" -gt 60000000 ] || { cat "$work/top"; fail "pprof does not see the 64 MiB"; }
    fi
fi

jemalloc=$(library jemalloc)
if [ -n "$jemalloc" ]; then
    checked=1
    LD_PRELOAD=$jemalloc "$program" >"$work/profile" && fail "jemalloc without profiling is not refused"
    grep -q 'MALLOC_CONF=prof:true' "$work/profile" || fail "nobody says how to turn jemalloc's profiling on"
    LD_PRELOAD=$jemalloc MALLOC_CONF=prof:true,lg_prof_sample:12 "$program" >"$work/profile" || fail "jemalloc: no profile"
    head -n 1 "$work/profile" | grep -q '^heap_v2/4096' || fail "not a profile of jemalloc's"
    # "t*: blocks: bytes [...]": what is held now.
    bytes=$(sed -n 's/^ *t\*: [0-9]*: \([0-9]*\) .*/\1/p' "$work/profile" | head -n 1)
    [ "${bytes:-0}" -gt 60000000 ] || fail "jemalloc: 64 MiB are held, and $bytes bytes shown"
fi

[ $checked = 1 ] || { echo "neither tcmalloc nor jemalloc is here"; exit 77; }
