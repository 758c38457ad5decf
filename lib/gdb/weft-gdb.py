# Copyright (c) 2026 the weft authors
# SPDX-License-Identifier: BSL-1.0
"""gdb commands for programs that use weft: live processes and core files.

    (gdb) source weft-gdb.py
    (gdb) weft goroutines              one line each, and where it waits
    (gdb) weft goroutines -v           with the whole chain of awaits
    (gdb) weft goroutines chan         those whose reason or function has "chan" in it
    (gdb) weft goroutine 7             one of them
    (gdb) weft workers                 run queues and states

They walk the registry as it lies in memory, and call nothing in the program. weft must have been built with debug
information (-g), as must the libraries it is in.
"""

import json
import re

import gdb

MOST_FRAMES = 1000


def plain(value):
    """An integer, or a std::atomic of one."""
    kind = value.type.strip_typedefs()
    if kind.code == gdb.TYPE_CODE_STRUCT:
        names = [f.name for f in kind.fields()]
        for name in ("_M_i", "_M_b", "_M_base", "_M_p"):
            if name in names:
                return plain(value[name])
        for f in kind.fields():
            if f.is_base_class:
                return plain(value[f])
    return int(value)


def raw_pointer(unique):
    """What a std::unique_ptr holds: with the usual deleter it is nothing but that."""
    held = unique.type.strip_typedefs().template_argument(0).pointer()
    return unique.address.cast(held.pointer()).dereference()


def elements(vector):
    at, end = vector["_M_impl"]["_M_start"], vector["_M_impl"]["_M_finish"]
    while at != end:
        yield at.dereference()
        at += 1


def text(std_string):
    try:
        data, size = std_string["_M_dataplus"]["_M_p"], int(std_string["_M_string_length"])
        return data.string(length=size, errors="replace") if size else ""
    except gdb.error:
        return "?"


def out_of_frame(function):
    """GCC's "void f(f(int)::_Z1fi.Frame*)" is f(int)."""
    if not function.endswith(".Frame*)"):
        return function
    end = function.rfind("::_Z")
    depth = 0
    for i in range(len(function) - 1, -1, -1):
        if function[i] == ")":
            depth += 1
        elif function[i] == "(":
            depth -= 1
            if depth == 0:
                return function[i + 1:end] if i < end else function
    return function


def without_result(function):
    """A "std::vector<int> a::f(int)" is a::f(int)."""
    begin = depth = 0
    for i, c in enumerate(function):
        if depth == 0 and c == "(" and not function.startswith("(anonymous", i):
            return function[begin:]
        if depth == 0 and function.startswith("operator", i) and (i == begin or function[i - 1] == ":"):
            return function[begin:]
        if c in "<([{":
            depth += 1
        elif c in ">)]}":
            depth = max(0, depth - 1)
        elif c == " " and depth == 0:
            begin = i + 1
    return function


def readable(function):
    """What its reader calls it; as the library's dumps do."""
    return without_result(out_of_frame(function)).replace("weft::v0_1::", "weft::")


class Place:
    def __init__(self, location):
        self.function, self.file, self.line = "", "", 0
        impl = location["_M_impl"]
        if int(impl) == 0:
            return
        at = impl.dereference()
        self.function = readable(at["_M_function_name"].string(errors="replace"))
        self.file = at["_M_file_name"].string(errors="replace")
        self.line = int(at["_M_line"])

    @property
    def internal(self):
        return (self.line == 0 or "weft/detail/" in self.file or "weft/testing/" in self.file or
                self.file.endswith(("weft/run.hpp", "weft/sync_wait.hpp", "weft/join_handle.hpp")))

    def __str__(self):
        return f"{self.function}\n\t{self.file}:{self.line}"


class Goroutine:
    def __init__(self, record):
        self.record = record
        self.id, self.parent = int(record["id"]), int(record["parent"])
        reason = plain(record["reason"])
        kind = gdb.lookup_type("weft::v0_1::detail::wait_reason")
        names = {f.enumval: f.name.split("::")[-1] for f in kind.fields()}
        self.reason = names.get(reason, str(reason)).replace("_", " ")
        self.spawned = Place(record["spawn_site"])
        extras = raw_pointer(record["extras"])
        self.name = text(extras["name"]) if int(extras) else ""
        self.frames = []
        core = record["top_core"]
        while self.reason != "running" and int(core) and len(self.frames) < MOST_FRAMES:
            self.frames.append(Place(core["site"]))
            core = core["caller"]

    def shown(self):
        return [f for f in self.frames if not f.internal]

    def head(self):
        # Quoted as in the library's dumps: a name may hold what looks like another record.
        name = " " + json.dumps(self.name, ensure_ascii=False) if self.name else ""
        return f"goroutine {self.id}{name} [{self.reason}]"

    def matches(self, part):
        return (not part or part in self.reason or part in self.name or
                any(part in f.function or part in f.file for f in self.frames))

    def line(self):
        shown = self.shown()
        at = shown[0] if shown else self.spawned
        where = f" at {at.function} {at.file}:{at.line}" if at.line else ""
        return self.head() + (where if shown else where.replace(" at ", " created at ", 1))

    def whole(self):
        lines = [self.head() + ":"] + [str(f) for f in self.shown()]
        if self.spawned.line:
            by = f"goroutine {self.parent} at " if self.parent else ""
            lines.append(f"created by {by}{self.spawned}")
        return "\n".join(lines)


def schedulers():
    """The running ones: weft::detail's list without a lock."""
    symbol = (gdb.lookup_static_symbol("weft::v0_1::detail::(anonymous namespace)::running_schedulers") or
              gdb.lookup_static_symbol("running_schedulers"))
    if symbol is None:
        raise gdb.GdbError("no weft in this program, or no debug information of it")
    for slot in _slots(symbol.value()["_M_elems"]):
        address = plain_pointer(slot)
        if int(address):
            yield address.dereference()


def _slots(array):
    low, high = array.type.strip_typedefs().range()
    for i in range(low, high + 1):
        yield array[i]


def plain_pointer(atomic):
    """What a std::atomic<T*> holds."""
    return atomic["_M_b"]["_M_p"]


def workers(scheduler):
    for unique in elements(scheduler["workers_"]):
        yield raw_pointer(unique).dereference()


def goroutines():
    kind = gdb.lookup_type("weft::v0_1::detail::goroutine")
    for s in schedulers():
        for shard in [s["outside_"]] + [w["shard"] for w in workers(s)]:
            hook = shard["live"]["head_"]
            while int(hook):
                record = hook.cast(_hook_type(kind)).dereference()
                yield Goroutine(record)
                hook = hook.dereference()["next"]


def _hook_type(kind):
    return kind.pointer()


class Weft(gdb.Command):
    """Looks at weft's goroutines; see "help weft goroutines"."""

    def __init__(self):
        super().__init__("weft", gdb.COMMAND_STACK, prefix=True)


class Goroutines(gdb.Command):
    """weft goroutines [-v] [PART]: lists them; with their chains of awaits (-v); those that PART is found in."""

    def __init__(self):
        super().__init__("weft goroutines", gdb.COMMAND_STACK)

    def invoke(self, argument, from_tty):
        words = gdb.string_to_argv(argument)
        verbose = "-v" in words
        part = " ".join(w for w in words if w != "-v")
        n = 0
        for g in sorted(goroutines(), key=lambda g: g.id):
            if not g.matches(part):
                continue
            n += 1
            print(g.whole() + "\n" if verbose else g.line())
        print(f"{n} goroutines")


class OneGoroutine(gdb.Command):
    """weft goroutine ID: one of them, with its chain of awaits."""

    def __init__(self):
        super().__init__("weft goroutine", gdb.COMMAND_STACK)

    def invoke(self, argument, from_tty):
        if not re.fullmatch(r"\d+", argument.strip()):
            raise gdb.GdbError("weft goroutine ID")
        found = [g for g in goroutines() if g.id == int(argument)]
        if not found:
            raise gdb.GdbError(f"no goroutine {argument.strip()}")
        for g in found:
            print(g.whole())
            print(f"record: (weft::detail::goroutine*) {g.record.address}")


class Workers(gdb.Command):
    """weft workers: state, queue and counters of each."""

    def __init__(self):
        super().__init__("weft workers", gdb.COMMAND_STACK)

    def invoke(self, argument, from_tty):
        for s in schedulers():
            print(f"runtime {int(s['number'])}: {plain(s['injected_']['size_'])} injected")
            for w in workers(s):
                state = str(w["state_"]["_M_i"]).split("::")[-1]
                print(f"  worker {int(w['index'])}: {state}, {plain(w['queue_']['size_'])} queued, "
                      f"{plain(w['slices_'])} slices")


Weft()
Goroutines()
OneGoroutine()
Workers()
