#!/usr/bin/python3
"""Runs Supervisor's own end-to-end tests (from its Debian package) against a stand-in Python.

    supervisor_tests.py PYTHON [TEST...]

They start daemon and client as `sys.executable -m supervisor.supervisord` and so on: PYTHON is
what stands for sys.executable. Prints a line "NAME ok|FAILED" for each test.
"""

import os
import sys
import unittest

os.environ["END_TO_END"] = "1"
sys.executable = sys.argv[1]

from supervisor.tests import test_end_to_end  # noqa: E402


class Lines(unittest.TestResult):
    """One line a test, as soon as it has ended."""

    def addSuccess(self, test):
        print(test._testMethodName, "ok", flush=True)

    def addError(self, test, err):
        self._failed(test, err)

    def addFailure(self, test, err):
        self._failed(test, err)

    def _failed(self, test, err):
        print(test._testMethodName, "FAILED", flush=True)
        print(self._exc_info_to_string(err, test), file=sys.stderr, flush=True)


names = sys.argv[2:] or unittest.TestLoader().getTestCaseNames(test_end_to_end.EndToEndTests)
unittest.TestSuite(map(test_end_to_end.EndToEndTests, names)).run(Lines())
