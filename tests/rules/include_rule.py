#!/usr/bin/python3
"""Which folder may include what: a test of the sources themselves (src/README.md has the table).

Cross-folder headers are <slotd/x.h>; a folder's private ones are "x.h". libev is platform's alone.
"""

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
    **{helper: {"common", "platform"} for helper in ("keep", "relay", "log", "probe", "control")},
}

# config.h has no file of its own name; every other header belongs to the folder that has one, and
# to common where none has: plain data, words, contracts between processes.
OWNER = {"config.h": "config"}

INCLUDE = re.compile(r'^\s*#\s*include\s+([<"])([^>"]+)[>"]', re.M)


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
        elif quote == '"' and not (path.parent / header).is_file():
            yield f'"{header}" is no header of this folder'
        elif quote == '"' and "/" in header:
            yield f'"{header}" reaches out of its folder'


def files():
    """Each source with the folder whose rule it keeps: a header that crosses folders, its owner's."""
    yield from ((p, p.parent.name) for p in sorted((ROOT / "src").glob("*/*.[ch]")))
    yield from ((p, owner(p.name)) for p in sorted((ROOT / "include/slotd").glob("*.h")))


def private_twins():
    """A header of one folder must not hide one that crosses folders."""
    shared = {p.name for p in (ROOT / "include/slotd").glob("*.h")}
    for path in sorted((ROOT / "src").glob("*/*.h")):
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
    problems = [*private_twins(), *lone_headers()]
    for path, folder in files():
        problems += [f"{path.relative_to(ROOT)}: {what}" for what in problems_of(path, folder)]
    for folder in sorted(p.name for p in (ROOT / "src").iterdir() if p.is_dir()):
        if folder not in USES:
            problems.append(f"src/{folder}: no row in the table of uses")
    print("\n".join(problems) or "every include keeps the rule")
    return 1 if problems else 0


sys.exit(main())
