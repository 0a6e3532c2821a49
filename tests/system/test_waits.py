"""Of what there may be one, there are never two: starts that wait for an end."""


import pytest

from harness.apps import service, web_slot
from harness.procs import stays, wait_for

# Says when it begins and ends, and takes its time for that.
JOB = """/bin/sh -c 'trap "sleep {stop}; echo - $$ >> %D%/marks; exit 0" TERM; echo + $$ >> %D%/marks;
  while :; do sleep 0.05; done'"""


def job(stop=0.7):
    return JOB.format(stop=stop).replace("\n ", "")


def marks(daemon):
    return [line.split() for line in daemon.read("marks").splitlines()]


def most_at_once(daemon):
    running, most = set(), 0
    for sign, pid in marks(daemon):
        (running.add if sign == "+" else running.discard)(pid)
        most = max(most, len(running))
    return most


def started(daemon, n):
    wait_for(lambda: [sign for sign, _ in marks(daemon)].count("+") >= n, f"{n} have started")


CHANGES = {
    "renamed": ("[program:old]\n", "[program:new]\n"),
    "regrouped": ("[program:old]\n", "[group:g]\nprograms=old\n[program:old]\n"),
    "process_name": ("startsecs=0\n", "startsecs=0\nprocess_name=other\n"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_program_under_another_name_waits_for_its_old_self(slotd, change):
    text = f"[program:old]\ncommand={job()}\nstartsecs=0\n[program:else]\ncommand=/bin/cat\n"
    daemon = slotd(text)
    started(daemon, 1)
    pid = daemon.wait_state("else", "RUNNING")["pid"]
    before, after = CHANGES[change]
    daemon.config.write_text(daemon.config.read_text().replace(before, after, 1))
    daemon.ctl("reload", check=True)

    def waiting():
        return [w["note"] for w in daemon.status()["workers"] if "waits for" in w["note"]]

    assert waiting() == ["waits for old to end"]
    assert "waits for old to end" in daemon.ctl("status", "--json").stdout
    started(daemon, 2)
    wait_for(lambda: not waiting(), "it waits no more")
    assert most_at_once(daemon) == 1, marks(daemon)
    assert daemon.info("else")["pid"] == pid


def test_one_that_waits_can_be_stopped_and_started_by_hand(slotd):
    daemon = slotd(f"[program:old]\ncommand={job(2)}\nstartsecs=0\n")
    started(daemon, 1)
    daemon.config.write_text(daemon.config.read_text().replace("[program:old]", "[program:new]"))
    daemon.ctl("reload", check=True)
    daemon.rpc.supervisor.startProcess("new", False)
    started(daemon, 2)
    assert most_at_once(daemon) == 2, "who asks for it by name gets it"


def slots(ports):
    queue = "".join(f"[program:q-{slot}]\ncommand={job()}\nstartsecs=0\n" for slot in "ab")
    return (web_slot("s-a", ports.run(1), "a") + web_slot("s-b", ports.run(1), "b") + queue
            + service("s", f"127.0.0.1:{ports.one()}", "idle_keep=60\n")
            .replace("slot_a=s-a", "slot_a=s-a, q-a").replace("slot_b=s-b", "slot_b=s-b, q-b"))


def test_queue_workers_of_the_new_slot_wait_for_those_of_the_old(slotd, ports):
    daemon = slotd(slots(ports))
    started(daemon, 1)
    for n in range(2, 5):
        daemon.ctl("swap", "s", check=True)
        started(daemon, n)
    assert most_at_once(daemon) == 1, marks(daemon)


def test_a_quick_rollback_ends_with_queue_workers(slotd, ports):
    daemon = slotd(slots(ports))
    started(daemon, 1)
    daemon.ctl("swap", "s", check=True)
    daemon.ctl("rollback", "s", check=True)  # those of a are still stopping
    wait_for(lambda: daemon.info("q-a")["statename"] == "RUNNING"
             and daemon.info("q-b")["statename"] == "STOPPED", "a has its queue worker again")
    assert stays(lambda: most_at_once(daemon) == 1, 0.3), marks(daemon)
    assert daemon.info("q-a")["statename"] == "RUNNING"
