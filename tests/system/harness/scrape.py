"""/metrics as Prometheus reads it, and more strictly."""

import http.client
import re
import subprocess
from typing import Dict, Tuple

from prometheus_client.parser import text_string_to_metric_families

from .daemon import Daemon

_NAME = r"[a-z][a-z0-9_]*"
_LABEL = rf'{_NAME}="(?:[^"\\\n]|\\[\\"n])+"'
_SAMPLE = re.compile(rf"({_NAME})(\{{{_LABEL}(?:,{_LABEL})*\}})? -?\d+(?:\.\d+)?")
TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Metrics:
    """What a page says: metrics("slotd_slot_live", slot="a")."""

    def __init__(self, text: str) -> None:
        self.text = text
        check(text)
        self.samples: Dict[Tuple[str, frozenset], float] = {}
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                key = sample.name, frozenset(sample.labels.items())
                assert key not in self.samples, f"twice: {key}"
                self.samples[key] = sample.value

    def all(self, name: str, **labels: str) -> Dict[frozenset, float]:
        """Samples with these labels, and others."""
        wanted = set(labels.items())
        return {have: value for (of, have), value in self.samples.items()
                if of == name and wanted <= have}

    def __call__(self, name: str, **labels: str) -> float:
        found = self.all(name, **labels)
        assert len(found) == 1, f"{name} {labels}: {found}"
        return next(iter(found.values()))

    def sum(self, name: str, **labels: str) -> float:
        return sum(self.all(name, **labels).values())


def check(text: str) -> None:
    """Each family has HELP, TYPE and then all of its samples, none of them twice."""
    assert text.endswith("\n") and "\r" not in text
    families, samples, name, kind = set(), set(), None, None
    for line in text.split("\n")[:-1]:
        if line.startswith("# HELP "):
            name, help_text = line[len("# HELP "):].split(" ", 1)
            assert name not in families and help_text.endswith((".", "?")), line
            families.add(name)
            kind = None
        elif line.startswith("# TYPE "):
            assert kind is None, line
            of, kind = line[len("# TYPE "):].split(" ")
            assert of == name and kind in ("counter", "gauge"), line
            assert (kind == "counter") == name.endswith("_total"), line
        else:
            sample = _SAMPLE.fullmatch(line)
            assert sample and sample[1] == name and kind, line
            assert sample[0].split(" ")[0] not in samples, line
            samples.add(sample[0].rsplit(" ", 1)[0])


def promtool(text: str) -> None:
    """What Prometheus' own program says of the names."""
    done = subprocess.run(["promtool", "check", "metrics"], input=text, text=True,
                          capture_output=True, timeout=60)
    assert done.returncode == 0 and not done.stderr, done.stdout + done.stderr


def get(daemon: Daemon, path: str) -> http.client.HTTPResponse:
    """An answer of slotd's own socket, which has been read to its end: text and head."""
    connection = daemon.connection()
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        answer.text = answer.read().decode()
        return answer
    finally:
        connection.close()


def scrape(daemon: Daemon) -> Metrics:
    """A page from slotd's own socket."""
    answer = get(daemon, "/metrics")
    assert answer.status == 200 and answer.getheader("Content-Type") == TYPE
    return Metrics(answer.text)
