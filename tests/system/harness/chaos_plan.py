"""What chaos does. Each act, with all that it needs, is drawn from a seed before anything is done,
so the same seed makes the same acts in the same order. Which process is meant is an index into
those that are there."""

import random
from dataclasses import dataclass
from typing import Any, Callable, Dict, List, Tuple

MACHINE = "slotd"  # who does what concerns all services
HELPERS = {"relay": 2, "log": 1, "control": 1, "keep": 1, "spawn": 1, "probe": 1}
STEPS = ("prepare", "start", "gate", "verify", "canary", "bake", "after_swap", "drain")
KINDS = sorted(HELPERS)


@dataclass(frozen=True)
class Act:
    number: int
    who: str
    name: str
    given: Dict[str, Any]
    rest: float  # s, before the next one

    def __str__(self) -> str:
        return f"{self.number} {self.who}: {self.name} {self.given or ''}"


Draw = Callable[[random.Random], Dict[str, Any]]


def _nothing(_dice: random.Random) -> Dict[str, Any]:
    return {}


def _index(dice: random.Random) -> int:
    return dice.randrange(1 << 16)


def _blow(dice: random.Random) -> Dict[str, Any]:
    """Something that is killed, or a moment in which nothing is."""
    what = dice.choice(["slotd", *KINDS, "worker", "nothing"])
    return {"what": what, "index": _index(dice), "seconds": round(dice.random() * 0.6, 3)}


def _blows(dice: random.Random, most: int = 2) -> List[Dict[str, Any]]:
    return [_blow(dice) for _ in range(dice.randint(0, most))]


def _meanwhile(dice: random.Random) -> Dict[str, Any]:
    return {"job": dice.choice(["", "", "deploy", "swap", "roll"]), "blows": _blows(dice)}


def _canary(dice: random.Random) -> Dict[str, Any]:
    return {"shares": [f"{dice.randint(1, 99)}%" for _ in range(dice.randint(1, 3))],
            "release": dice.random() < 0.5, "blows": _blows(dice),
            "end": dice.choice([["promote"], ["promote"], ["abort"], ["canary", "0%"]])}


def _ab(dice: random.Random) -> Dict[str, Any]:
    return {"shares": [f"{dice.randint(1, 99)}%" for _ in range(dice.randint(1, 2))],
            "blows": _blows(dice), "end": dice.choice([["promote"], ["abort"], []])}


def _struck_deploy(dice: random.Random) -> Dict[str, Any]:
    what = dice.choice(["slotd", "slotd", "slotd", "worker", "hook", "hook", "client", "client",
                        "interrupt", "abort", "log", "control", "log and control", *KINDS])
    return {"step": dice.choice(STEPS), "what": what, "index": _index(dice)}


def _struck_helper(dice: random.Random) -> Dict[str, Any]:
    return {"what": dice.choice(KINDS), "index": _index(dice),
            "seconds": round(dice.random() * 2, 3)}


# name: (how often, what is drawn for it)
OF_A_SERVICE: Dict[str, Tuple[int, Draw]] = {
    "deploy": (3, _nothing), "swap": (3, _nothing),
    "rollback": (2, _nothing), "roll": (1, _nothing),
    "kill_worker": (3, lambda dice: {"index": _index(dice)}),
    "failing_deploy": (1, lambda dice: {"step": dice.choice(["prepare", "verify"])}),
    "failing_gate": (1, lambda dice: {"status": dice.choice([0, 500])}),
    "struck_deploy": (6, _struck_deploy), "canary": (3, _canary), "ab": (2, _ab),
    "pause": (1, _meanwhile), "freeze": (1, _meanwhile), "offline": (2, _meanwhile),
}
OF_THE_MACHINE: Dict[str, Tuple[int, Draw]] = {
    "kill_slotd": (3, lambda dice: {"seconds": round(dice.random() * 0.4, 3)}),
    "kill_helper": (5, _struck_helper), "stop_helper": (2, _struck_helper),
    "kill_all_helpers": (1, lambda dice: {"order": dice.sample(KINDS, len(KINDS))}),
    "reload": (3, lambda dice: {"extra": dice.random() < 0.5}), "upgrade": (1, _nothing),
    "full_disk": (2, lambda dice: {"seconds": round(1 + dice.random() * 3, 3)}),
}


class Plan:
    """Groups of acts: a list for each service and one for the machine, to be done side by side."""

    def __init__(self, seed: int, services: List[str]) -> None:
        self.dice = {who: random.Random(f"{seed} {who}") for who in (*services, MACHINE)}
        self.services, self.drawn = services, 0
        self.in_ab: Dict[str, bool] = dict.fromkeys(services, False)

    def _act(self, who: str, name: str, given: Dict[str, Any]) -> Act:
        self.drawn += 1
        dice = self.dice[who]
        rest = round(dice.random(), 3) if dice.random() < 0.5 else 0
        return Act(self.drawn, who, name, given, rest)

    def _draw(self, who: str, table: Dict[str, Tuple[int, Draw]]) -> Act:
        dice = self.dice[who]
        name = dice.choices(list(table), [often for often, _ in table.values()])[0]
        return self._act(who, name, table[name][1](dice))

    def _of_service(self, who: str) -> List[Act]:
        """An A/B test that goes on ends the group, and begins the next one with its end."""
        acts, dice = [], self.dice[who]
        if self.in_ab[who]:
            acts.append(self._act(who, "end_ab", {"end": dice.choice([["promote"], ["abort"]])}))
            self.in_ab[who] = False
        for _ in range(dice.randint(2, 4)):
            acts.append(self._draw(who, OF_A_SERVICE))
            if acts[-1].name == "ab" and not acts[-1].given["end"]:
                self.in_ab[who] = True
                break
        return acts

    def group(self) -> Dict[str, List[Act]]:
        group = {who: self._of_service(who) for who in self.services}
        group[MACHINE] = [self._draw(MACHINE, OF_THE_MACHINE)
                          for _ in range(self.dice[MACHINE].randint(1, 3))]
        return group
