#!/usr/bin/env python3
# Copyright (c) 2026 the weft authors
# SPDX-License-Identifier: BSL-1.0
"""Makes the documents' site in build/docs/site, and checks it: every link leads to a page and a place in it, and no page
loads anything from elsewhere. A link to a public header becomes one to its page in the reference."""

import html.parser
import os
import pathlib
import re
import shutil
import subprocess
import sys
import urllib.parse
import xml.etree.ElementTree

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGES = ROOT / "build/docs/pages"
SITE = ROOT / "build/docs/site"


def reference():
    """Makes it; the page of each header."""
    PAGES.mkdir(parents=True, exist_ok=True)
    subprocess.run(["doxygen", "lib/docs/Doxyfile"], cwd=ROOT, check=True)
    warnings = (ROOT / "build/docs/doxygen.log").read_text().strip()
    if warnings:
        print(warnings)
        sys.exit("doxygen warns; its warnings stand above.")
    pages = {}
    for file in xml.etree.ElementTree.parse(ROOT / "build/docs/reference.tag").iter("compound"):
        if file.get("kind") == "file":
            header = "lib/include/" + file.findtext("path", "") + file.findtext("name", "")
            pages[header] = "reference/" + file.findtext("filename").removesuffix(".html") + ".html"
    return pages


def gather(headers):
    """The documents, in the places they have in the repository, and what they lead to."""
    sources = [ROOT / n for n in ("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "THIRD_PARTY.md")]
    sources += [*ROOT.glob("apps/*/README.md"), *ROOT.glob("lib/docs/**/*.md")]
    for source in sources:
        here = source.relative_to(ROOT)

        def link(found):
            name, _, anchor = found[1].partition("#")
            if not name or re.match(r"[a-z]+:", name):
                return found[0]
            file = (source.parent / name).resolve().relative_to(ROOT)
            if str(file) in headers:
                return f"]({os.path.relpath(headers[str(file)], here.parent)})"
            if file.suffix != ".md" and (ROOT / file).is_file():
                (PAGES / file).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / file, PAGES / file)
            return found[0]

        text = re.sub(r"\]\(([^)\s]+)\)", link, source.read_text())
        (PAGES / here).parent.mkdir(parents=True, exist_ok=True)
        (PAGES / here).write_text(text)


class page(html.parser.HTMLParser):
    def __init__(self, path):
        super().__init__()
        self.places, self.links, self.loaded = set(), [], []
        self.feed(path.read_text(errors="replace"))

    def handle_starttag(self, tag, attributes):
        a = dict(attributes)
        self.places.update(v for v in (a.get("id"), a.get("name")) if v)
        target = a.get("href") if tag in ("a", "link") else a.get("src")
        if target and not (tag == "link" and a.get("rel") in ("canonical", "alternate")):
            (self.links if tag == "a" else self.loaded).append(target)


def check():
    problems = []
    pages = {p: page(p) for p in SITE.rglob("*.html")}
    for path, seen in pages.items():
        here = path.relative_to(SITE)
        problems += [f"{here} loads {t}" for t in seen.loaded if re.match(r"(https?:)?//", t)]
        for target in seen.links + seen.loaded:
            if re.match(r"([a-z]+:|//)", target) or path.name == "404.html":
                continue
            name, _, place = urllib.parse.unquote(target).partition("#")
            name = name.partition("?")[0]
            file = (path.parent / name).resolve() if name else path
            if file.is_dir():
                file /= "index.html"
            if not file.exists():
                problems.append(f"{here}: no such file: {target}")
            elif place and file in pages and place not in pages[file].places and "reference" not in here.parts:
                problems.append(f"{here}: no such place: {target}")
    print("\n".join(sorted(set(problems))), end="\n" if problems else "")
    print(f"{len(pages)} pages in {SITE.relative_to(ROOT)}, {len(problems)} problems")
    return not problems


def main():
    shutil.rmtree(ROOT / "build/docs", ignore_errors=True)
    gather(reference())
    subprocess.run(["mkdocs", "build", "--quiet", "--strict", "-f", "lib/docs/mkdocs.yml"], cwd=ROOT, check=True)
    sys.exit(0 if check() else 1)


main()
