#!/usr/bin/python3
"""How long a file and a function of slotd may be: a test of the sources themselves.

A table is no exception: a long one has parts. Tests may be as long as what they tell.
"""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

FILE_MAX = 599
FUNCTION_MAX = 49  # lines, from its name to its closing brace

# The form of the sources puts both braces of a function, and of nothing else, at the beginning of a
# line.
FUNCTION = re.compile(r"^[A-Za-z][^;{}]*?\b(\w+)\([^;{}]*\)\n\{\n.*?^\}", re.M | re.S)


def sources():
    for folder in ("src", "include"):
        yield from sorted((ROOT / folder).glob("**/*.[ch]"))


def problems_of(path):
    text = path.read_text()
    name = path.relative_to(ROOT)
    lines = text.count("\n")
    if lines > FILE_MAX:
        yield f"{name} has {lines} lines: more than {FILE_MAX}"
    for found in FUNCTION.finditer(text):
        lines = found.group().count("\n") + 1
        if lines > FUNCTION_MAX:
            at = text.count("\n", 0, found.start()) + 1
            yield f"{name}:{at}: {found[1]} has {lines} lines: more than {FUNCTION_MAX}"


def main():
    problems = [p for path in sources() for p in problems_of(path)]
    print("\n".join(problems) or "every file and function is short enough")
    return 1 if problems else 0


sys.exit(main())
