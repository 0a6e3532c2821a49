"""A helper that is stopped by a signal, for a moment or until slotd ends it: slotd goes on, and
nothing is lost but what the stopped one holds."""

import os
import signal
import time
from contextlib import suppress

import pytest

from harness.apps import two_slots
from harness.load import Load
from harness.procs import SLOW, alive, wait_for
from test_adopt import goes_on
from test_faults import BEAT, COUNT, EXTRA


@pytest.mark.plain_only
@pytest.mark.parametrize("name", ["log", "control", "relay", "keep", "spawn", "probe"])
@pytest.mark.parametrize("moment", [True, False], ids=["for_a_moment", "until_it_is_ended"])
def test_slotd_goes_on_beside_a_stopped_helper(slotd, ports, name, moment):
    port = ports.one()
    text = two_slots("s", f"127.0.0.1:{port}", ports.run(2), ports.run(2)) + COUNT + BEAT + \
        "[slotd]\nrelays=3\n"
    daemon = slotd(text)
    for program in ("count", "beat"):
        daemon.wait_state(program, "RUNNING")
    wait_for(lambda: daemon.slot("s", "a")["ready"] == 2, "its workers are healthy")
    beat, count = daemon.info("beat")["pid"], daemon.info("count")["pid"]
    stopped = daemon.helpers(name)[0]
    with Load(("127.0.0.1", port), clients=3, rate=20) as fresh, \
            Load(("127.0.0.1", port), keep_alive=True, clients=4, rate=20) as kept:
        goes_on(fresh, kept)
        began = time.monotonic()
        os.kill(stopped, signal.SIGSTOP)
        os.kill(beat, signal.SIGKILL)  # slotd has something to do
        if moment:
            time.sleep(1)
            os.kill(stopped, signal.SIGCONT)
        for command in (["status"], ["swap", "s"], ["restart", "beat"]):
            done = daemon.ctl(*command)
            assert done.returncode in (0, 3) or "slotd" in done.stderr, done
            assert time.monotonic() - began < 20 * SLOW, command
        daemon.write_config(text + EXTRA)
        assert daemon.ctl("reload").returncode == 0
        assert time.monotonic() - began < 25 * SLOW
        if not moment:
            wait_for(lambda: not alive(stopped), "it was ended")
            with suppress(ProcessLookupError):
                os.kill(stopped, signal.SIGCONT)
        daemon.wait_state("extra", "RUNNING")
        wait_for(lambda: daemon.info("beat")["pid"] not in (0, beat), "it was started again")
        assert daemon.ctl("swap", "s").returncode == 0
        goes_on(fresh, kept)
        assert alive(stopped) == moment
        expected = 3 if name == "relay" else 1
        wait_for(lambda: len(daemon.helpers(name)) == expected, "there are as many as before")
    assert daemon.info("count")["pid"] == count
    lost = fresh.failed() + kept.failed()
    # each client may have had a request in the relay that was ended
    assert len(lost) <= (7 if name == "relay" and not moment else 0), lost
    wait_for(lambda: len(daemon.read("count.log").split()) > 100, "lines are written")
    lines = daemon.read("count.log").split("\n")[:-1]
    assert lines == [str(i + 1) for i in range(len(lines))]
