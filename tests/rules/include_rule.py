#!/usr/bin/python3
"""Which folder may include what: a test of the sources themselves (src/README.md has the table).

Cross-folder headers are <slotd/x.h>; a folder's private ones are "x.h", in a folder of rooms
"room/x.h". libev is platform's alone. No more than a few files may include each other in a circle,
and a private header declares what one file defines: of one that served many, no circle would show.
"""

import functools
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

USES = {
    "common": set(),
    "core": {"common"},
    "config": {"common", "core"},
    "platform": {"common", "core"},
    "supervisor": {"common", "core", "config", "platform"},
    "ctl": {"common", "config", "platform"},
    "compat": {"common", "config"},
    **{helper: {"common", "platform"}
       for helper in ("spawn", "keep", "relay", "log", "probe", "control")},
}

# Folders that have rooms, in their order: each uses only those before it. What lies in the folder
# itself comes last, but for the frame that all of them hang on.
ROOMS = {
    "supervisor": ("link", "worker", "service", "handoff", "deploy", "show", "reload", "."),
}
FRAMES = {"supervisor/supervisor.h"}

CIRCLE_MAX = 6  # files; a .c and the .h of its name are one

# These have no file of their own name; every other header belongs to the folder that has one, and
# to common where none has: plain data, words, contracts between processes.
OWNER = {"config.h": "config", "service_judge.h": "core"}

# These serve several files still, behind which circles may hide. None may be added.
SHARED = {
    "control/client.h", "control/control.h", "control/http.h", "control/methods.h",
    "ctl/commands.h", "ctl/import.h", "ctl/job.h", "ctl/session.h", "ctl/view.h",
}

INCLUDE = re.compile(r'^\s*#\s*include\s+([<"])([^>"]+)[>"]', re.M)


COMMENT = re.compile(r"/\*.*?\*/", re.S)
# At the beginning of a line: the form of the sources puts all else of a function behind a tab.
FUNCTION = r"^(?!static\b|typedef\b)[A-Za-z][^;{}()]*?\b(\w+)\([^;{}]*\)[^;{}()]*"
DEFINED = re.compile(FUNCTION + r"\n\{", re.M)
DECLARED = re.compile(FUNCTION + r"(?:\(\([^;{}]*\)\))?;", re.M)


def owner(header):
    if header in OWNER:
        return OWNER[header]
    source = Path(header).with_suffix(".c").name
    folders = [p.parent.name for p in (ROOT / "src").glob(f"*/{source}")]
    return next((f for f in folders if f in ("common", "core", "config", "platform")), "common")


def problems_of(path, folder):
    for quote, header in INCLUDE.findall(path.read_text(errors="replace")):
        if quote == "<" and header.startswith("slotd/"):
            used = owner(header[6:])
            if used != folder and used not in USES[folder]:
                yield f"{folder} may not use {used}: <{header}>"
        elif quote == "<" and header == "ev.h" and folder != "platform":
            yield "libev is included by platform only"
        elif quote == '"' and not (ROOT / "src" / folder / header).is_file():
            yield f'"{header}" is no header of this folder'
        elif quote == '"' and "/" in header and header.split("/")[0] not in ROOMS.get(folder, ()):
            yield f'"{header}" reaches out of its folder'


def files():
    """Each source with the folder whose rule it keeps: a header that crosses folders, its owner's."""
    src = ROOT / "src"
    yield from ((p, p.relative_to(src).parts[0]) for p in sorted(src.glob("*/**/*.[ch]")))
    yield from ((p, owner(p.name)) for p in sorted((ROOT / "include/slotd").glob("*.h")))


def room_of(path):
    """Of a path in src: its place in the order of its folder's rooms; -1: all may use it."""
    folder, *inner = path.split("/")
    return -1 if path in FRAMES else ROOMS[folder].index(inner[0] if len(inner) > 1 else ".")


def upward():
    """Includes against the order of the rooms: (file, header)."""
    for path, folder in files():
        if folder in ROOMS and path.is_relative_to(ROOT / "src"):
            user = str(path.relative_to(ROOT / "src"))
            for quote, header in INCLUDE.findall(path.read_text(errors="replace")):
                used = f"{folder}/{header}"
                if quote == '"' and room_of(used) > room_of(user):
                    yield user, used


def room_problems():
    for user, used in sorted(set(upward())):
        yield f"src/{user} may not use a room that comes after its own: {used}"


# ---- who defines what a private header declares


@functools.cache
def functions(path, pattern):
    return frozenset(pattern.findall(COMMENT.sub("", path.read_text(errors="replace"))))


@functools.cache
def definers(header):
    """The files of its folder that define functions which this private header declares."""
    declared = functions(header, DECLARED)
    folder = ROOT / "src" / header.relative_to(ROOT / "src").parts[0]
    return [c for c in sorted(folder.glob("**/*.c")) if declared & functions(c, DEFINED)]


def shared_headers():
    """A private header serves the .c of its name, or one other if there is none."""
    for path in sorted((ROOT / "src").glob("*/**/*.h")):
        name, own = str(path.relative_to(ROOT / "src")), path.with_suffix(".c")
        serves = definers(path)
        shared = len(serves) > 1 or (own.is_file() and any(c != own for c in serves))
        if shared and name not in SHARED:
            where = " ".join(str(c.relative_to(ROOT / "src")) for c in serves)
            yield f"src/{name} declares functions of several files, or of another: {where}"
        elif name in SHARED and not shared:
            yield f"src/{name} serves one file now: it is SHARED no more"


# ---- circles


def node(path):
    """The name of a source in the graph of includes. A .c and the .h of its name are one, and a
    private header without a .c of its name is one with the .c whose functions it declares."""
    if path.parent.name == "slotd":
        folder = owner(path.name)
        if (ROOT / "src" / folder / path.with_suffix(".c").name).is_file():
            return f"{folder}/{path.stem}"
        return f"include/{path.stem}"
    if path.suffix == ".h" and not path.with_suffix(".c").is_file() and len(definers(path)) == 1:
        path = definers(path)[0]
    return str(path.relative_to(ROOT / "src").with_suffix(""))


def graph():
    edges = {}
    for path, folder in files():
        used = edges.setdefault(node(path), set())
        for quote, header in INCLUDE.findall(path.read_text(errors="replace")):
            shared = quote == "<" and header.startswith("slotd/")
            target = ROOT / ("include" if shared else f"src/{folder}") / header
            if (shared or quote == '"') and target.is_file():
                used.add(node(target))
    return edges


def circles():
    """The sets of sources that reach each other, largest first (Kosaraju)."""
    edges, order, seen = graph(), [], set()

    def walk(start, ways, out):
        stack = [(start, iter(sorted(ways.get(start, ()))))]
        seen.add(start)
        while stack:
            at, rest = stack[-1]
            step = next((n for n in rest if n not in seen), None)
            if step is None:
                out.append(stack.pop()[0])
            else:
                seen.add(step)
                stack.append((step, iter(sorted(ways.get(step, ())))))

    for name in sorted(edges):
        if name not in seen:
            walk(name, edges, order)
    back = {}
    for name, used in edges.items():
        for other in used:
            back.setdefault(other, set()).add(name)
    seen.clear()
    found = []
    for name in reversed(order):
        if name not in seen:
            found.append([])
            walk(name, back, found[-1])
    return sorted((sorted(c) for c in found), key=len, reverse=True)


def circle_problems():
    for circle in circles():
        if len(circle) > CIRCLE_MAX:
            yield f"{len(circle)} files include each other in a circle: {' '.join(circle)}"


def private_twins():
    """A header of one folder must not hide one that crosses folders."""
    shared = {p.name for p in (ROOT / "include/slotd").glob("*.h")}
    for path in sorted((ROOT / "src").glob("*/**/*.h")):
        if path.name in shared:
            yield f"{path.relative_to(ROOT)}: <slotd/{path.name}> has the same name"


def lone_headers():
    """A header that crosses folders is there for more than one of them, or for such a header."""
    users = {p.name: {owner(p.name)} for p in (ROOT / "include/slotd").glob("*.h")}
    for path, folder in files():
        for quote, header in INCLUDE.findall(path.read_text(errors="replace")):
            if quote == "<" and header[6:] in users and header.startswith("slotd/"):
                users[header[6:]].add(path.name if path.parent.name == "slotd" else folder)
    for header in sorted(h for h, folders in users.items() if len(folders) < 2):
        yield f"include/slotd/{header}: only {users[header].pop()} needs it"


def main():
    problems = [*private_twins(), *lone_headers(), *shared_headers(), *room_problems(),
                *circle_problems()]
    for path, folder in files():
        problems += [f"{path.relative_to(ROOT)}: {what}" for what in problems_of(path, folder)]
    for folder in sorted(p.name for p in (ROOT / "src").iterdir() if p.is_dir()):
        if folder not in USES:
            problems.append(f"src/{folder}: no row in the table of uses")
    if "-v" in sys.argv:
        print(f"{len(set(upward()))} against the order of rooms; circles:")
        print("\n".join(f"{len(c)}: {' '.join(c)}" for c in circles() if len(c) > 1))
    print("\n".join(problems) or "every include keeps the rule")
    return 1 if problems else 0


sys.exit(main())
