#!/usr/bin/env python3
# Copyright (c) 2026 the weft authors
# SPDX-License-Identifier: BSL-1.0
"""Looks whether the documents still say what the sources say. With --write it makes them.

Code. Before each block of C++ stands where it comes from, or why it comes from nowhere:

    <!-- snippet tests/docs/from_go_snippets_test.cpp range -->    the region of that name in that file
    <!-- shows apps/examples/troubles/hangs.cpp -->                what stands at that file's end, see check_trouble.py
    <!-- wrong code -->                                            shown because it is wrong: not compiled

A region lies between the comments `// [snippet NAME]` and `// [snippet end]`.

Links. Each link to a file of the repository must lead to a file, and to a heading in it if it names one.

Tests. Each test that guarantees.md names, as `file_test.cpp`: "its case", must be there.
"""

import pathlib
import re
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
problems = []


def documents():
    names = []
    if shutil.which("git"):
        listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", "*.md"], cwd=ROOT,
                                stdout=subprocess.PIPE, text=True)
        names = listed.stdout.split()
    names = names or [p.relative_to(ROOT) for p in ROOT.rglob("*.md")
                      if "build" not in p.relative_to(ROOT).parts]
    return [ROOT / n for n in names if (ROOT / n).exists()]


def region(path, name):
    found = re.findall(rf"(?ms)^[ ]*// \[snippet {re.escape(name)}\]\n(.*?)^[ ]*// \[snippet end\]$",
                       path.read_text())
    if len(found) != 1:
        raise LookupError(f"{path.relative_to(ROOT)} has {len(found)} snippets called {name}")
    lines = found[0].rstrip("\n").split("\n")
    indent = min((len(l) - len(l.lstrip()) for l in lines if l.strip()), default=0)
    return "\n".join(l[indent:] for l in lines) + "\n"


def shown(path):
    parts = re.split(r"\n// (?:Exit status: \d+|Shows(?: by `([^`]*)`)?:)", "\n" + path.read_text())
    texts = []
    for command, body in zip(parts[1::2], parts[2::2]):
        body = re.sub(r"(?m)^// ?", "", body).strip("\n")
        if body:
            texts.append((f"$ {command}\n" if command else "") + body)
    if not texts:
        raise LookupError(f"{path.relative_to(ROOT)} does not end with what it shows")
    return "\n\n".join(texts) + "\n"


BLOCK = re.compile(r"(?ms)((?:^<!-- (?P<kind>snippet|shows|wrong code)(?: (?P<file>\S+))?(?: (?P<name>\S+))? -->\n)?)"
                   r"^```(?P<language>\S*)\n(?P<text>.*?)^```$")


def check_code(path, write):
    def one(found):
        kind = found["kind"]
        if kind is None or kind == "wrong code":
            if found["language"] == "cpp" and kind is None:
                problems.append(f"{path.relative_to(ROOT)}: this C++ comes from nowhere:\n{found['text'][:200]}")
            return found[0]
        try:
            source = ROOT / found["file"]
            wanted = region(source, found["name"]) if kind == "snippet" else shown(source)
        except (LookupError, OSError) as e:
            problems.append(f"{path.relative_to(ROOT)}: {e}")
            return found[0]
        if wanted != found["text"] and not write:
            problems.append(f"{path.relative_to(ROOT)}: not what {found['file']} {found['name'] or ''} says; "
                            "lib/docs/check_docs.py --write copies it")
        return f"{found[1]}```{found['language']}\n{wanted}```"

    before = path.read_text()
    after = BLOCK.sub(one, before)
    if write and after != before:
        path.write_text(after)


def anchors(path):
    text = re.sub(r"(?ms)^```.*?^```$", "", path.read_text())
    found = set(re.findall(r'<a id="([^"]+)"', text))
    for heading in re.findall(r"(?m)^#{1,6} (.*)$", text):
        heading = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "").strip().lower()
        found.add(re.sub(r"[^\w\- ]", "", heading).replace(" ", "-"))
    return found


def check_links(path):
    text = re.sub(r"(?ms)^```.*?^```$|`[^`\n]*`", "", path.read_text())
    for target in re.findall(r"\]\(([^)\s]+)\)|<img src=\"([^\"]+)\"|srcset=\"([^\"]+)\"", text):
        target = next(t for t in target if t)
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        file = (path.parent / name).resolve() if name else path
        if not file.exists():
            problems.append(f"{path.relative_to(ROOT)}: no such file: {target}")
        elif anchor and file.suffix == ".md" and anchor not in anchors(file):
            problems.append(f"{path.relative_to(ROOT)}: no such heading: {target}")


def check_tests(path):
    named = re.findall(r'`([\w/]+\.cpp)`: "([^"]+)"', path.read_text())
    if not named:
        problems.append(f"{path.relative_to(ROOT)} names no tests")
    for file, case in named:
        source = ROOT / "tests" / file
        if not source.exists():
            problems.append(f"{path.relative_to(ROOT)}: there is no tests/{file}")
        elif not re.search(rf'(?:TEST_CASE|MODEL|"|\()[^\n]*{re.escape(case)}', re.sub(r'"\s*\n\s*"', "", source.read_text())):
            problems.append(f"{path.relative_to(ROOT)}: tests/{file} has no case \"{case}\"")


def main():
    write = "--write" in sys.argv
    for path in documents():
        check_code(path, write)
    for path in documents():
        check_links(path)
    check_tests(ROOT / "lib/docs/guarantees.md")
    for problem in problems:
        print(problem)
    sys.exit(1 if problems else 0)


main()
