"""Moving over from a real supervisord, and back."""

import pytest

from harness.reference import Supervisord

PROGRAM = "[program:cat]\ncommand=/bin/cat\n"


@pytest.fixture
def supervisord():
    """supervisord(config) starts a real one. Ended after the test."""
    started = []

    def make(config=PROGRAM):
        started.append(Supervisord(config))
        return started[-1].start()

    yield make
    for one in started:
        one.end()


def refused(daemon, *words):
    """It does not start, and says so in one sentence."""
    daemon.expected_status = {2}
    daemon.start(wait=False)
    assert daemon.process.wait(30) == 2
    for word in words:
        assert word in daemon.stderr(), daemon.stderr()


# ---- two supervisors of the same programs

def test_slotd_does_not_start_beside_a_supervisord_with_its_pidfile(slotd, supervisord):
    other = supervisord()
    daemon = slotd(start=False)
    daemon.write_config(f"[supervisord]\npidfile={other.dir}/supervisord.pid\n")
    refused(daemon, f"supervisord (pid {other.process.pid})", "pidfile=")


def test_slotd_does_not_start_beside_a_supervisord_on_its_socket(slotd, supervisord):
    other = supervisord()
    refused(slotd(f"[unix_http_server]\nfile={other.dir}/sock\n", start=False),
            f"supervisord (pid {other.process.pid}) listens on {other.dir}/sock")
    assert other.supervisorctl("status").returncode == 0


def test_slotd_does_not_start_with_the_file_of_a_living_supervisord(slotd, supervisord):
    other = supervisord()
    daemon = slotd(start=False)
    # Another name of the same file, and neither its pid file nor its socket.
    daemon.config.unlink()
    daemon.config.symlink_to(other.config)
    other.config.write_text(
        f"[supervisord]\npidfile={daemon.dir}/slotd.pid\nlogfile={daemon.dir}/slotd.log\n"
        f"[slotd]\nstate_dir={daemon.dir}/state\nrun_dir={daemon.dir}/run\n"
        f"log_dir={daemon.dir}/log\n")
    refused(daemon, f"supervisord (pid {other.process.pid}) is running with this file")


def test_a_supervisord_with_a_file_of_its_own_is_left_alone(slotd, supervisord):
    other = supervisord()
    assert slotd(PROGRAM).info("cat")["name"] == "cat"
    assert other.rpc.supervisor.getState()["statename"] == "RUNNING"
