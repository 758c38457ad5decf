#!/usr/bin/env python3
# Copyright (c) 2026 the weft authors
# SPDX-License-Identifier: BSL-1.0
"""Runs PROGRAM, in a directory of its own, and looks for what the comment at the end of SOURCE says:

    // Exit status: 2
    // Shows:
    // a line
    // Shows by `go tool pprof -top -cum cpu.pb`:
    // a line

Each line must be in what it printed, in this order. Numbers, directories and blanks do not count: they differ
from run to run; of a profile's table only the first row. A command that is not installed is left out, and the test says so.
"""

import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import tempfile


def plain(text):
    text = re.sub(r"[^\s(]*/", "", text)
    text = re.sub(r"\d+(\.\d+)?(ns|us|ms|s)?\b", "#", text)
    return [" ".join(line.split()) for line in text.splitlines()]


def expect_lines(expected, printed):
    rest = iter(plain(printed))
    wanted = plain(expected)
    head = next((i for i, line in enumerate(wanted) if line.startswith("flat flat%")), None)
    for line in wanted if head is None else wanted[head:head + 2]:
        if line and not any(line in other for other in rest):
            sys.exit(f"It does not show, at its place:\n{line}\nIt printed:\n{printed}")


def run(command, directory):
    ended = subprocess.run(command, cwd=directory, stdout=subprocess.PIPE,
                           stderr=subprocess.STDOUT, text=True, timeout=100)
    return ended.returncode, ended.stdout


def main():
    program, source = sys.argv[1], pathlib.Path(sys.argv[2]).read_text()
    parts = re.split(r"\n// (Exit status: \d+|Shows(?: by `[^`]*`)?:)", source)
    if len(parts) == 1:
        sys.exit(f"{sys.argv[2]} does not end with what it shows.")
    expected_status = 0
    with tempfile.TemporaryDirectory() as directory:
        status, printed = run([program], directory)
        for head, body in zip(parts[1::2], parts[2::2]):
            body = re.sub(r"(?m)^// ?", "", body)
            if head.startswith("Exit"):
                expected_status = int(head.split()[-1])
                continue
            if command := re.search("`(.*)`", head):
                words = shlex.split(command[1])
                if not shutil.which(words[0]):
                    print(f"left out, {words[0]} is not installed: {command[1]}")
                    continue
                _, shown = run(words, directory)
                expect_lines(body, shown)
            else:
                expect_lines(body, printed)
    if status != expected_status:
        sys.exit(f"exit status {status}, not {expected_status}; it printed:\n{printed}")


main()
