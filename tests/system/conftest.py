"""Fixtures. A test that leaves a process behind, or after which a sanitizer complained, fails."""

import atexit
import os
import re
import resource
import shutil
import signal
import sys
import tempfile
from itertools import zip_longest
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
if "SLOTD_PYCACHE" in os.environ:  # ours alone: what tests start finds its own as ever
    sys.pycache_prefix, sys.dont_write_bytecode = os.environ["SLOTD_PYCACHE"], False

from harness import procs, supervisorctl  # noqa: E402
from harness.daemon import Daemon  # noqa: E402
from harness.ports import Ports  # noqa: E402
from harness.procs import wait_for  # noqa: E402

procs.adopt_orphans()

_SANITIZER = re.compile(r"ERROR: (Address|Leak)Sanitizer|runtime error:")


def _is_worker(config):
    return hasattr(config, "workerinput")  # one of xdist's


def _interrupt(*_):
    raise KeyboardInterrupt


def pytest_configure(config):
    """All files are in one directory, and SIGTERM ends the run as Ctrl-C does."""
    signal.signal(signal.SIGTERM, _interrupt)
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:  # as in what a shell runs in the
        signal.signal(signal.SIGINT, signal.default_int_handler)  # background; children inherit it
    if not _is_worker(config):
        tempfile.tempdir = tempfile.mkdtemp(prefix="slotd-", dir="/tmp")  # short, for sockets
        os.chmod(tempfile.tempdir, 0o1777)
        os.environ["TMPDIR"] = tempfile.tempdir
        if not os.environ.get("SLOTD_KEEP"):  # at exit: pytest still looks there when it ends
            atexit.register(shutil.rmtree, tempfile.tempdir, ignore_errors=True)


def pytest_unconfigure(config):
    """Each test ends what it started, unless xdist's process in which it runs is killed."""
    if not _is_worker(config):
        procs.kill_all(procs.descendants(os.getpid()))
        wait_for(lambda: not procs.left_behind(set()), "killed processes end")


def pytest_collection_modifyitems(config, items):
    unnamed = [item for item in items for mark in item.iter_markers("by_name")
               if mark.args[0] not in config.option.keyword]
    config.hook.pytest_deselected(items=unnamed)
    items[:] = [item for item in items if item not in unnamed]
    first = [item for item in items if item.get_closest_marker("first")]
    rest = [item for item in items if not item.get_closest_marker("first")]
    items[:] = [item for pair in zip_longest(first, rest[:len(first)]) for item in pair if item]
    items += rest[len(first):]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    from xdist.scheduler import LoadScheduling

    class TwoEach(LoadScheduling):
        """Tests last from a millisecond to minutes: a worker has one to run and the one after it.

        So one that is marked as first has another behind it that is soon done.
        """

        def _send_tests(self, node, num):
            super()._send_tests(node, min(num, 2 - len(self.node2pending[node])))

    return TwoEach(config, log)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    report = (yield).get_result()
    if report.failed:
        for daemon in getattr(item, "daemons", []):
            report.sections.append((f"logs of {daemon.dir}", daemon.all_logs()))
    if report.when == "call" and os.environ.get("SLOTD_FIGURES"):
        with open(os.environ["SLOTD_FIGURES"], "a") as out:
            out.writelines(f"{text}\n" for name, text in item.user_properties if name == "figures")


@pytest.fixture(scope="session", autouse=True)
def _supervisorctl():
    supervisorctl.forker = supervisorctl.Forker()
    yield
    supervisorctl.forker.close()


@pytest.fixture(scope="session")
def _ports():
    ports = Ports()
    yield ports
    ports.close()


@pytest.fixture
def ports(_ports):
    """ports.one(), ports.run(5): free ports, consecutive."""
    return _ports


@pytest.fixture(autouse=True)
def nothing_left_behind():
    """Every process that a test starts, directly or not, is gone when it ends."""
    before = set(procs.descendants(os.getpid()))
    yield
    try:
        wait_for(lambda: not procs.left_behind(before), "processes end", 10)
    except AssertionError:
        left = procs.left_behind(before)
        procs.kill_all(left)
        wait_for(lambda: not procs.left_behind(before), "killed processes end")
        pytest.fail(f"left behind: {left}")


@pytest.fixture
def slotd(request, nothing_left_behind):
    """slotd(config) starts a daemon: slotd("[program:x]\\ncommand=..."). Ended after the test."""
    daemons = request.node.daemons = []

    def make(config="", start=True, args=(), wrap=(), **kwargs):
        daemon = Daemon(config, **kwargs)
        daemons.append(daemon)
        return daemon.start(*args, wrap=wrap) if start else daemon

    yield make
    failures = [text for daemon in daemons for text in _end(daemon)]
    if failures:
        logs = "\n".join(daemon.all_logs() for daemon in daemons)
        pytest.fail("\n".join(failures) + "\n" + logs, pytrace=False)
    for daemon in daemons:
        if not os.environ.get("SLOTD_KEEP"):
            daemon.remove()


def _end(daemon):
    """Ends it; what was wrong at its end, as sentences."""
    if daemon.process is None:
        return
    try:
        status = daemon.end()
    except Exception as error:  # it hangs: said below, ended by nothing_left_behind
        daemon.process.kill()
        daemon.process.wait()
        yield f"slotd does not end: {error}"
        return
    if status not in daemon.expected_status:
        yield f"slotd ended with {status}"
    if _SANITIZER.search(daemon.stderr() + daemon.log()):
        yield "a sanitizer complained"


@pytest.fixture
def many_descriptors():
    """How many connections a test may open: three descriptors each, and a login's
    soft limit is 1024."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(max(soft, 16384), hard), hard))
    yield min(3000, hard // 4)
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
