"""The slotd of the chaos: what is there, what is killed, and what must hold once it is calm."""

import json
import os
import re
import select
import signal
import statistics
import threading
import time
from collections import Counter, defaultdict
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import Any, Dict, Iterator, List, Optional, Tuple

from . import procs
from .apps import two_slots
from .chaos_load import Clients, Kill
from .chaos_plan import HELPERS
from .daemon import COLD, Daemon
from .load import Failure, once
from .procs import wait_for

PATIENCE = 120  # s: other work may go on beside it
SLOT_AB = 7
# Files that tell the commands of a deploy and the workers what to do.
HOOKS = """prepare=
  if test -e %D%/{0}-takes-time; then sleep 1; fi
  test ! -e %D%/{0}-fails-prepare
verify=
  if test -e %D%/{0}-takes-time; then sleep 1; fi
  test ! -e %D%/{0}-fails-verify
after_swap=if test -e %D%/{0}-takes-time; then sleep 1; fi
on_failure=true
bake=0.5
ready_timeout=8
live_file=%D%/state/{0}-live
"""
# What sets the services apart from each other.
SERVICES = {"shop": "", "blog": "canary_steps=20%:500ms, 60%:500ms\n",
            "pay": "announce=sleep 0.1\nrolling_max=1\nbalance=least_conn\n"}
COUNTING = """
[program:{name}]
command=/bin/sh -c 'i=0; while :; do i=$((i + 1)); echo $i; sleep {every}; done'
startsecs=0
stdout_logfile=%D%/{file}
stdout_logfile_maxbytes=0
"""
# slotd's own log is read to tell what had happened: all of it is there, and debug lines are many.
OWN = "[supervisord]\nloglevel=info\nlogfile_maxbytes=0\n[slotd]\nrelays=2\n"
EXTRA = "[program:extra]\ncommand=sleep 4322\nstartsecs=0\n"


class World:
    def __init__(self, slotd: Any, ports: Any) -> None:
        self.before = set(procs.descendants(os.getpid()))
        self.addresses = {name: ("127.0.0.1", ports.one()) for name in SERVICES}
        self.daemon: Daemon = slotd(start=False)
        self.text = COUNTING.format(name="count", file="count.log", every=0.01) + \
            COUNTING.format(name="lossy", file="log/lossy.log", every=0.02)
        for name, options in SERVICES.items():
            self.text += two_slots(
                name, "127.0.0.1:%d" % self.addresses[name][1], ports.run(2), ports.run(2),
                arguments=f"--posts %D%/{name}-posts --unless %D%/{name}-answers",
                options=HOOKS.format(name) + options)
            (self.daemon.dir / f"{name}-posts").touch()
        self.kills: List[Kill] = []
        self.alone = threading.RLock()  # one ends slotd, slotd-keep, or has it executed again
        self.kept_again = 0.0
        self.killed_worker: Dict[str, float] = defaultdict(float)
        self.samples: Dict[str, List[Tuple[float, int, int]]] = defaultdict(list)
        self.log_read, self.jobs, self.told = 0, Counter(), 0

    def start(self) -> None:
        self.daemon.write_config(self.text + OWN)
        self.daemon.start()
        self.counter = self.daemon.wait_state("count", "RUNNING")["pid"]
        for name in SERVICES:
            wait_for(lambda name=name: self.daemon.slot(name, "a")["ready"] == 2,
                     "its workers are healthy", PATIENCE)
        self.clients = {name: Clients(name, address, self.daemon.dir / f"{name}-posts")
                        for name, address in self.addresses.items()}

    # ---- what is there

    def processes(self) -> Dict[int, Tuple[str, int]]:
        """All of it, whoever is their parent: {pid: (name, parent)}."""
        return {pid: (name, parent)
                for pid, (name, state, parent) in procs.descendants(os.getpid()).items()
                if pid not in self.before and state not in "ZX"}

    def helpers(self, kind: str) -> List[int]:
        return sorted(pid for pid, (name, _) in self.processes().items() if name == f"slotd-{kind}")

    def row(self, service: str) -> Optional[Dict[str, Any]]:
        """None while nobody answers."""
        with suppress(Exception):
            return self.daemon.service(service)
        return None

    def row_of_living(self, service: str) -> Any:
        """Not what slotd-control remembers of a slotd that is dead: it may have begun something."""
        with self.alone:
            return self.row(service)

    def known(self) -> Dict[int, str]:
        rows = self.daemon.rpc.supervisor.getAllProcessInfo()
        return {row["pid"]: row["group"] for row in rows if row["pid"]}

    def live(self, service: str) -> str:
        return wait_for(lambda: (self.row(service) or {}).get("live"),
                        f"who is live in {service}", PATIENCE)

    # ---- what is killed

    def kill(self, pid: int, what: str) -> None:
        """Returns when it is gone, and with it its connections."""
        with suppress(ProcessLookupError):
            fd = os.pidfd_open(pid)
            try:
                kill = Kill(what, time.monotonic())
                self.kills.append(kill)
                signal.pidfd_send_signal(fd, signal.SIGKILL)
                if not select.select([fd], [], [], PATIENCE)[0]:
                    raise AssertionError(f"{what} (pid {pid}) does not end")
                kill.gone = time.monotonic()
            finally:
                os.close(fd)

    def kill_slotd(self, seconds: float) -> None:
        """Not while slotd-keep is dead, too: then nobody holds what a next one needs."""
        with self.alone:
            time.sleep(max(0, self.kept_again - time.monotonic()))
            self.daemon.kill()
            time.sleep(seconds)
            self.daemon.start(wait=False)
            wait_for(self._answers, "the next slotd answers", PATIENCE)

    def _answers(self) -> bool:
        assert self.daemon.process.poll() is None, f"slotd ended:\n{self.daemon.stderr()[-3000:]}"
        with suppress(Exception):
            return self.daemon.rpc.supervisor.getPID() == self.daemon.pid
        return False

    def kill_helper(self, kind: str, index: int) -> None:
        there = self.helpers(kind)
        if kind != "keep" and there:
            self.kill(there[index % len(there)], kind)
        elif there:
            with self.alone:
                self.kill(there[index % len(there)], kind)
                wait_for(lambda: self.helpers("keep"), "there is a slotd-keep again", PATIENCE)
                self.kept_again = time.monotonic() + 1

    def kill_worker(self, service: str, index: int) -> bool:
        """One of the live slot: the other one serves, also what is asked for the second time. That
        is not done a third time, so the next one is killed later."""
        row = self.row(service)
        if not row or time.monotonic() < self.killed_worker[service] + 2:
            return False
        with suppress(OSError):
            pids = [pid for pid, group in self.known().items()
                    if group == f"{service}-{row['live']}"]
            if len(pids) == 2:
                self.kill(sorted(pids)[index % 2], service)
                self.killed_worker[service] = time.monotonic()
                return True
        return False

    def hook(self) -> Optional[int]:
        """The shell of commands that run."""
        with suppress(Exception):
            known = self.known()
            return next((pid for pid, (name, parent) in self.processes().items()
                         if name == "sh" and pid not in known
                         and parent in (self.daemon.pid, os.getpid())), None)
        return None

    @contextmanager
    def full_disk(self) -> Iterator[None]:
        """Of state_dir and log_dir."""
        ballast = [self.daemon.dir / where / "ballast" for where in ("state", "log")]
        try:
            for path in ballast:
                with suppress(OSError), open(path, "wb", buffering=0) as f:
                    while True:
                        f.write(b"x" * 4096)
            yield
        finally:
            for path in ballast:
                path.unlink(missing_ok=True)

    # ---- what must hold when it is calm

    def is_calm(self, in_ab: Dict[str, bool]) -> bool:
        with suppress(OSError):
            rows = {name: self.row(name) for name in SERVICES}
            return all(row and self._rests(row, in_ab[name]) for name, row in rows.items()) and \
                all(len(self.helpers(kind)) >= n for kind, n in HELPERS.items())
        return False

    @staticmethod
    def _rests(row: Dict[str, Any], in_ab: bool) -> bool:
        slots = {slot["slot"]: slot for slot in row["slots"]}
        other = slots["b" if row["live"] == "a" else "a"]
        return not row.get("job") and slots[row["live"]]["ready"] == 2 and \
            other["state"] in ((SLOT_AB, COLD) if in_ab else (COLD,))

    def insist(self, in_ab: Dict[str, bool], full_since: Optional[float]) -> List[str]:
        """Waits until it is calm; what is wrong then, as sentences.

        full_since: when the disk was full. A slotd-log that is killed then does not count its loss.
        """
        try:
            wait_for(lambda: self.is_calm(in_ab), "it is calm", PATIENCE)
        except AssertionError:
            rows = {name: self.row(name) for name in SERVICES}
            helpers = {kind: len(self.helpers(kind)) for kind in HELPERS}
            return [f"it does not become calm: A/B {in_ab}, helpers {helpers}, {json.dumps(rows)}"]
        wrong = []
        for name in SERVICES:
            wrong += self._of_service(name)
        uncounted = full_since is not None and any(
            kill.what == "log" and kill.began > full_since for kill in self.kills)
        wrong += self._strangers() + self._history() + self._lines(uncounted)
        for clients in self.clients.values():
            wrong += clients.judge(self.kills)
        self.kills = [kill for kill in self.kills if kill.gone > time.monotonic() - 2 * PATIENCE]
        return wrong

    def _of_service(self, name: str) -> List[str]:
        """One slot is live, which is the recorded one; and nobody is refused anything."""
        row, wrong = self.daemon.service(name), []
        live = row["live"]
        with suppress(AssertionError):
            wait_for(lambda: self.daemon.read(f"state/{name}-live") == f"{live}\n", "", PATIENCE)
        recorded = json.loads(self.daemon.read("state/state.json"))["services"][name]["live"]
        for where, said in (("live_file", self.daemon.read(f"state/{name}-live").strip()),
                            ("state.json", recorded)):
            if said != live:
                wrong.append(f"{name}: {live} is live, {where} says {said}")
        given = sum(slot["state"] == SLOT_AB and slot["share"] > 0 for slot in row["slots"])
        for _ in range(3):
            with suppress(Failure):
                answered = once(self.addresses[name], timeout=PATIENCE)
                if not answered.startswith(f"{live} ") and not given:
                    wrong.append(f"{name}: {live} is live, {answered!r} answers")
        for command in (["freeze", name, "looking"], ["unfreeze", name]):
            done = self.daemon.ctl(*command, timeout=PATIENCE)
            if done.returncode:
                wrong.append(f"{name}: {command[0]} is refused: {done.stdout}{done.stderr}")
        return wrong

    def _strangers(self) -> List[str]:
        def strangers() -> Dict[int, str]:
            known = self.known()
            return {pid: name for pid, (name, parent) in self.processes().items()
                    if not name.startswith("slot") and pid not in known
                    and parent in (self.daemon.pid, os.getpid())}
        with suppress(AssertionError):
            wait_for(lambda: not strangers(), "no process is nobody's", PATIENCE)
            return []
        return [f"nobody's processes: {strangers()}"]

    def _history(self) -> List[str]:
        """A line for each job. What had no room is written later; an older half may be gone."""
        with suppress(AssertionError):
            wait_for(lambda: not self._read_history(), "the history is whole", PATIENCE / 4)
        return self._read_history()

    def _read_history(self) -> List[str]:
        text = self.daemon.read("state/history")
        try:
            entries = [json.loads(line) for line in text.splitlines()]
        except ValueError as error:
            return [f"a line of the history is torn: {error}: {text[-2000:]}"]
        jobs = Counter(entry["job"] for entry in entries if entry.get("job"))
        self.jobs |= jobs
        wrong = [f"job #{job} has {n} lines of history" for job, n in jobs.items() if n > 1]
        missing = set(range(min(jobs, default=1), max(jobs, default=0))) - set(jobs)
        return wrong + ([f"jobs without a line of history: {sorted(missing)}"] if missing else [])

    def _lines(self, uncounted: bool) -> List[str]:
        self._written_again()
        wrong = []
        if self.daemon.info("count")["pid"] != self.counter:
            wrong.append("a worker was started again")
        lines = self.daemon.read("count.log").split("\n")[:-1]
        if lines != [str(i + 1) for i in range(len(lines))]:
            wrong.append("lines of count.log are lost, torn, or there twice")
        written = [int(line) for line in self.daemon.read("log/lossy.log").split("\n")[:-1] if line]
        if written != sorted(set(written)):
            wrong.append("lines of lossy.log are there twice, or in another order")
        with suppress(AssertionError):
            wait_for(lambda: self._told_of(written) or uncounted, "it is told", PATIENCE / 4)
        lost = written[-1] - len(written) - self.told
        if lost > 0 and not uncounted:
            wrong.append(f"{lost} lines of lossy.log are lost, and nobody was told")
        self.told += max(lost, 0)
        return wrong

    def _written_again(self) -> None:
        """Only a line that follows shows that some are lost."""
        before = len(self.daemon.read("log/lossy.log"))
        wait_for(lambda: len(self.daemon.read("log/lossy.log")) > before,
                 "lossy.log is written again", PATIENCE)

    def _told_of(self, written: List[int]) -> bool:
        self.told += sum(map(int, re.findall(
            r"lossy.log is written again; lost: (\d+) lines", self.new_log())))
        return written[-1] - len(written) <= self.told

    def new_log(self) -> str:
        """What slotd has said since the last call."""
        with open(self.daemon.dir / "slotd.log", "rb") as f:
            f.seek(self.log_read)
            said = f.read()
        self.log_read += len(said)
        return said.decode(errors="replace")

    def said_between(self, first: float, last: float) -> List[str]:
        to_wall, lines = time.time() - time.monotonic(), []
        for line in self.daemon.log()[-2_000_000:].splitlines():
            with suppress(ValueError):
                at = datetime.strptime(line[:23], "%Y-%m-%d %H:%M:%S,%f").timestamp() - to_wall
                if first < at < last:
                    lines.append(f"{at:.3f} slotd: {line[24:]}")
        return lines

    def sample(self) -> None:
        at = time.monotonic()
        for pid, (name, _) in self.processes().items():
            if name.startswith("slotd"):
                with suppress(OSError, StopIteration):
                    with open(f"/proc/{pid}/status", encoding="ascii") as f:
                        rss = next(int(line.split()[1]) for line in f if line.startswith("VmRSS"))
                    self.samples[name].append((at, rss, len(os.listdir(f"/proc/{pid}/fd"))))

    def growth(self) -> Tuple[List[str], List[str]]:
        """For each program the medians of the first and of the last quarter; and what has grown."""
        figures, wrong = [], []
        for name, samples in sorted(self.samples.items()):
            part = len(samples) // 4 + 1
            (rss, then), (fds, fds_then) = [
                [statistics.median(sample[i] for sample in some)
                 for some in (samples[:part], samples[-part:])] for i in (1, 2)]
            figures.append(f"{name}: {rss:.0f} -> {then:.0f} kB, "
                           f"{fds:.0f} -> {fds_then:.0f} descriptors")
            if then > rss * 1.25 + 1024 or fds_then > fds * 1.1 + 6:
                wrong.append(f"it grows: {figures[-1]}")
        return figures, wrong
