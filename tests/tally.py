#!/usr/bin/python3
"""Counts results: tally.py FILE... prints "PASSED FAILED SKIPPED".

A FILE is meson's testlog.json (every Check test in it counts) or a JUnit file of pytest.
"""

import json
import re
import sys
import xml.etree.ElementTree as ElementTree

CHECKS = re.compile(r"^\d+%: Checks: (\d+), Failures: (\d+), Errors: (\d+)", re.M)


def of_meson(path):
    passed = failed = skipped = 0
    with open(path) as lines:
        for test in map(json.loads, lines):
            checks = CHECKS.findall(test.get("stdout", ""))
            bad = sum(int(f) + int(e) for _, f, e in checks)
            good = sum(int(n) for n, _, _ in checks) - bad
            if test["result"] == "SKIP":
                skipped += 1
            elif test["result"] == "OK":
                passed += good or 1
            else:
                passed += good
                failed += bad or 1
    return passed, failed, skipped


def of_junit(path):
    root = ElementTree.parse(path).getroot()
    suite = root if root.tag == "testsuite" else root.find("testsuite")
    tests, skipped = int(suite.get("tests")), int(suite.get("skipped"))
    failed = int(suite.get("failures")) + int(suite.get("errors"))
    return max(0, tests - failed - skipped), failed, skipped


def main():
    totals = [0, 0, 0]
    for path in sys.argv[1:]:
        counts = of_junit(path) if path.endswith(".xml") else of_meson(path)
        totals = [a + b for a, b in zip(totals, counts)]
    print(*totals)


main()
