"""Clients of one service under chaos, and who of them may have lost a request: each is proven."""

import itertools
import math
import threading
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import List, Set, Tuple

from .load import OK, STATUS, Address, Load, Request

# A client looks whether its connection has ended, and then says when it sends: the time between.
LOOKED = 0.5


@dataclass
class Kill:
    """From just before the signal until the process had ended, and with it its connections."""
    what: str  # "relay", or the name of the worker's service
    began: float
    gone: float = math.inf

    def met(self, request: Request) -> bool:
        return request.sent - LOOKED <= self.gone and self.began <= request.done


class Clients:
    """New and kept connections, slow answers, and POSTs, each with a path of its own."""

    def __init__(self, name: str, address: Address, posts: Path) -> None:
        self.name, self.address, self.file = name, address, posts
        self.counts: Counter = Counter()
        self.offline: List[List[float]] = []  # from the begin of offline to the end of online
        self._number, self._lock, self._read = itertools.count(1), threading.Lock(), 0
        self._carried_out: Set[str] = set()
        more = {"timeout": 120, "rate": 8}
        self.loads = [Load(address, **more), Load(address, keep_alive=True, clients=2, **more),
                      Load(address, keep_alive=True, path="/slow?300", timeout=120, rate=3),
                      Load(address, path=self._target, body=b"a payment", **more),
                      Load(address, keep_alive=True, path=self._target, body=b"a payment", **more)]

    def _target(self) -> str:
        with self._lock:
            return f"/{self.name}-{next(self._number)}"

    def stop(self) -> None:
        for load in self.loads:
            load.stop()

    # ---- what became of them

    def judge(self, kills: List[Kill]) -> List[str]:
        """What is wrong with those that have ended since the last call, as sentences."""
        requests = [r for load in self.loads for r in load.take()]
        kills = [kill for kill in kills if kill.what in ("relay", self.name)]
        wrong, done = self._new_lines()
        for request in requests:
            wrong += self._judge_one(request, kills, done)
        return wrong

    def _new_lines(self) -> Tuple[List[str], Set[str]]:
        """POSTs that were carried out, each once. Workers say it before they answer."""
        with open(self.file, "rb") as f:
            f.seek(self._read)
            lines = f.read().decode().splitlines()
            self._read = f.tell()
        wrong = []
        for line in lines:
            if line in self._carried_out:
                wrong.append(f"{self.name}: POST {line} was carried out twice")
            self._carried_out.add(line)
        return wrong, self._carried_out

    def _judge_one(self, request: Request, kills: List[Kill], done: Set[str]) -> List[str]:
        post = not request.path.startswith("/slow") and request.path != "/"
        kind = "POST" if post else "GET"
        if request.outcome == OK:
            self.counts[f"{kind} answered"] += 1
            return [f"{self.name}: POST {request.path} was answered, not carried out"] \
                if post and request.path not in done else []
        if request.outcome == STATUS and " 503 " in request.detail + " ":
            self.counts[f"{kind} answered offline"] += 1
            if not any(begin <= request.done and request.sent <= end
                       for begin, end in self.offline):
                return [f"{self.name}: {kind} got 503 while it was not offline: {request}"]
            return [f"{self.name}: POST {request.path} got 503, and was carried out"] \
                if post and request.path in done else []
        return self._lost(request, kind, [kill for kill in kills if kill.met(request)])

    def _lost(self, request: Request, kind: str, kills: List[Kill]) -> List[str]:
        """A relay takes with it what it has. A worker takes a POST that it has read; a GET is asked
        once more, so two must have been killed."""
        relays = sum(kill.what == "relay" for kill in kills)
        workers = len(kills) - relays
        if relays:
            self.counts[f"{kind} in a killed relay"] += 1
        elif workers >= (1 if kind == "POST" else 2):
            self.counts[f"{kind} in a killed worker"] += 1
        else:
            return [f"{self.name}: {kind} lost: {request}"]
        return []
