"""A service over time: records, queue workers, drains, aborts, reloads, and who may."""

import fcntl
import json
import os
import pwd
import re
import signal
import socket
import subprocess
import threading
import time
import xmlrpc.client
from contextlib import contextmanager, suppress

import pytest

from harness import procs
from harness.apps import service, web_slot
from harness.load import once, try_once
from harness.procs import wait_for
from test_services import Payinv


@pytest.fixture
def payinv(slotd, ports):
    return Payinv(slotd, ports)


def text_of(done):
    return done.stdout + done.stderr


def stopped(payinv, slot):
    return all(payinv.daemon.info(payinv.worker(slot, i))["statename"] == "STOPPED"
               for i in range(2))


# ---- the record

def test_an_edit_of_the_live_file_by_hand_is_put_right(payinv):
    live = payinv.daemon.dir / "live"
    wait_for(lambda: payinv.live_file() == "a", "it is written")
    live.write_text("b\n")
    wait_for(lambda: payinv.live_file() == "a", "it is put right")
    live.unlink()
    wait_for(lambda: live.exists() and payinv.live_file() == "a", "it is made again")
    payinv.daemon.wait_log("by hand")
    assert payinv.live() == "a"


def test_the_live_link_points_at_the_live_slot(slotd, ports):
    payinv = Payinv(slotd, ports, options="live_link=%D%/current\nprepare_directory=%D%/%(slot)s\n",
                    start=False)
    for slot in "ab":
        (payinv.daemon.dir / slot).mkdir()
    payinv.daemon.start()
    payinv.wait_serving()
    link = payinv.daemon.dir / "current"
    wait_for(lambda: link.is_symlink() and os.readlink(link).endswith("/a"), "it is made")
    payinv.swap()
    assert os.readlink(link).endswith("/b")


def test_nothing_is_swapped_when_it_could_not_be_recorded(slotd, ports):
    payinv = Payinv(slotd, ports, options="live_file=%D%/sub/live\n", start=False)
    sub = payinv.daemon.dir / "sub"
    sub.mkdir()
    payinv.daemon.start()
    payinv.wait_serving()
    wait_for(lambda: (sub / "live").exists(), "it is written")
    sub.rename(payinv.daemon.dir / "elsewhere")
    said = payinv.swap(status=10)
    assert "record" in said and "NOTHING SWAPPED" in said
    assert once(payinv.address).startswith("a ")
    sub.mkdir()
    payinv.swap()
    assert (sub / "live").read_text() == "b\n"


def test_nothing_is_swapped_while_a_directory_has_the_live_files_name(payinv):
    live = payinv.daemon.dir / "live"
    wait_for(lambda: payinv.live_file() == "a", "it is written")

    def replaced():  # slotd may have made the file again before the directory is there
        live.unlink(missing_ok=True)
        with suppress(FileExistsError):
            live.mkdir()
        return live.is_dir()

    wait_for(replaced, "a directory has its name")
    assert "directory" in payinv.swap(status=10)
    live.rmdir()
    payinv.swap()
    assert payinv.live_file() == "b"


def test_a_live_files_directory_that_was_made_again_is_watched(slotd, ports):
    payinv = Payinv(slotd, ports, options="live_file=%D%/sub/live\n", start=False)
    sub = payinv.daemon.dir / "sub"
    sub.mkdir()
    payinv.daemon.start()
    payinv.wait_serving()
    wait_for(lambda: (sub / "live").exists(), "it is written")
    sub.rename(payinv.daemon.dir / "elsewhere")
    payinv.daemon.wait_log("not recorded yet")
    sub.mkdir()
    payinv.swap()
    (sub / "live").write_text("a\n")
    wait_for(lambda: (sub / "live").read_text() == "b\n", "the edit is put right")


def lease(file):
    try:
        return fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_RDLCK) == 0
    except BlockingIOError:
        return False


def test_workers_that_end_while_the_record_is_checked_do_not_go_live(slotd, ports):
    payinv = Payinv(slotd, ports, program="autorestart=false\n")
    payinv.swap()
    payinv.swap()
    history = payinv.daemon.dir / "state/history"
    wait_for(lambda: len(history.read_text().splitlines()) == 2, "the history is written")
    with history.open("rb") as held:  # a lease: opening it for writing waits, as for a slow disk
        signal.signal(signal.SIGIO, signal.SIG_IGN)
        wait_for(lambda: lease(held), "who wrote it has closed it")
        payinv.swap()
        payinv.daemon.rpc.slotd.swap("payinv")
        wait_for(lambda: payinv.daemon.slot("payinv", "a")["ready"] == 2, "they are healthy")
        for i in range(2):
            os.kill(payinv.daemon.info(payinv.worker("a", i))["pid"], signal.SIGKILL)
            payinv.daemon.wait_state(payinv.worker("a", i), "EXITED")
        fcntl.fcntl(held, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    payinv.daemon.wait_log("swap #4 failed")
    assert payinv.live() == "b" and once(payinv.address).startswith("b ")


@pytest.mark.plain_only
def test_every_job_is_in_the_history(payinv):
    payinv.swap()
    payinv.daemon.ctl("rollback", "payinv", check=True)
    def lines():
        return [json.loads(line) for line in payinv.daemon.read("state/history").splitlines()]
    wait_for(lambda: len(lines()) == 2, "both are written")
    assert [(j["job"], j["kind"], j["from"], j["to"], j["code"]) for j in lines()] == [
        (1, "swap", "a", "b", 0), (2, "rollback", "b", "a", 0)]
    assert payinv.daemon.end() == 0
    payinv.daemon.start()
    payinv.wait_serving()
    payinv.swap()
    wait_for(lambda: len(lines()) == 3, "the third is written")
    assert lines()[2]["job"] == 3  # numbers go on


def test_slotctl_shows_the_history(payinv):
    assert payinv.daemon.ctl("history", check=True).stdout == \
        "No swap, rollback or deploy is recorded\n"
    payinv.daemon.ctl("swap", "payinv", check=True)
    payinv.daemon.ctl("rollback", "payinv", check=True)

    def shown():
        return payinv.daemon.ctl("history", check=True).stdout.splitlines()

    wait_for(lambda: len(shown()) == 2, "both are recorded")
    assert re.match(r"#1 +\d{4}-\d\d-\d\d \d\d:\d\d +payinv +swap +a -> b  .* (root|uid \d+) ",
                    shown()[0])
    assert "rollback" in shown()[1] and "b -> a" in shown()[1]
    entries = json.loads(payinv.daemon.ctl("history", "--json", "payinv", check=True).stdout)
    assert [(e["kind"], e["from"], e["to"], e["code"]) for e in entries] == [
        ("swap", "a", "b", 0), ("rollback", "b", "a", 0)]
    assert "no service" in payinv.daemon.ctl("history", "other").stderr


# ---- drain, abort

@contextmanager
def swapped_and_draining(payinv):
    """b is live, and a drains: it has a request that is whole, and answered, when the block ends."""
    with socket.create_connection(payinv.address, 20) as s:
        s.sendall(b"GET / HTTP/1.1\r\n")
        wait_for(lambda: payinv.daemon.slot("payinv", "a")["active"] == 1, "a has a request")
        payinv.daemon.rpc.slotd.swap("payinv")
        wait_for(lambda: payinv.live() == "b" and not payinv.daemon.service("payinv")["step"],
                 "the swap is over")
        assert payinv.daemon.slot("payinv", "a")["state"] == 4
        yield
        s.sendall(b"Host: x\r\nConnection: close\r\n\r\n")
        assert s.recv(4096).startswith(b"HTTP/1.1 200 ")


def test_a_deploy_into_a_draining_slot_waits_for_it(slotd, ports):
    payinv = Payinv(slotd, ports, options="drain_timeout=60\nidle_keep=60\n")
    done = []
    deploy = threading.Thread(target=lambda: done.append(payinv.daemon.ctl("deploy", "payinv")))
    with swapped_and_draining(payinv):
        deploy.start()
        wait_for(lambda: payinv.daemon.service("payinv")["step"] == "wait", "the deploy waits")
    deploy.join(60)
    assert done[0].returncode == 0 and "wait" in done[0].stdout and payinv.live() == "a"


def test_who_follows_a_swap_is_told_when_the_service_is_removed_in_its_drain(slotd, ports):
    payinv = Payinv(slotd, ports, options="drain_timeout=60\ndrain=connections\n")
    with socket.create_connection(payinv.address, 10) as s:
        s.sendall(b"GET / HTTP/1.1\r\nHost:")
        wait_for(lambda: payinv.daemon.slot("payinv", "a")["active"] == 1, "a has a request")
        job = payinv.daemon.rpc.slotd.swap("payinv")
        wait_for(lambda: payinv.live() == "b", "b is live")
        config = payinv.daemon.config
        config.write_text(config.read_text().partition("[service:")[0])
        payinv.daemon.ctl("reload", "--force", check=True)
        reply = payinv.daemon.rpc.slotd.follow(job, 0)
    assert reply["done"] and "removed" in reply["lines"][-1]["text"]


def test_drain_now_ends_the_rest_and_says_how_much_that_was(slotd, ports):
    payinv = Payinv(slotd, ports, options="drain_timeout=60\ndrain=connections\nidle_keep=60\n")
    with socket.create_connection(payinv.address, 10) as kept, \
            socket.create_connection(payinv.address, 10) as busy:
        kept.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert kept.recv(4096)
        busy.sendall(b"GET / HTTP/1.1\r\nHost:")
        wait_for(lambda: payinv.daemon.slot("payinv", "a")["active"] == 1, "a has a request")
        job = payinv.daemon.rpc.slotd.swap("payinv")
        wait_for(lambda: payinv.daemon.slot("payinv", "a")["state"] == 4, "a drains")
        assert payinv.live() == "b"
        payinv.daemon.ctl("drain", "--now", "payinv", check=True)
        assert busy.recv(4096) == b""
        wait_for(lambda: payinv.daemon.slot("payinv", "a")["state"] == 2, "a is warm")
        kept.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert kept.recv(4096), "a client between requests goes on in the live slot"
    wait_for(lambda: any("1 closed by slotd" in line["text"]
                         for line in payinv.daemon.rpc.slotd.follow(job, 0)["lines"]), "it is told")


@pytest.mark.plain_only
def test_the_last_line_of_a_swap_tells_what_was_cut_at_the_drains_end(slotd, ports):
    payinv = Payinv(slotd, ports, options="drain_timeout=11\ndrain_spread=0\nprotocol=tcp\n")
    with socket.create_connection(payinv.address, 10) as pinned:
        pinned.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert pinned.recv(4096)
        said = payinv.swap()
    assert "1 -> 0, 1 closed by slotd" in said, said


@pytest.mark.parametrize("step", ["prepare", "gate"])
def test_an_abort_ends_a_deploy_that_waits(slotd, ports, step):
    waits = {"prepare": {"options": "prepare=sleep 60\n"},
             "gate": {"health": "exec test $SLOTD_SLOT = a"}}
    payinv = Payinv(slotd, ports, **waits[step])
    ended = []
    deploy = threading.Thread(target=lambda: ended.append(payinv.daemon.ctl("deploy", "payinv")))
    deploy.start()
    wait_for(lambda: payinv.daemon.service("payinv")["step"] == step, "it waits")
    payinv.daemon.ctl("abort", "payinv", check=True)
    deploy.join(30)
    assert ended[0].returncode == 10 and "aborted by" in text_of(ended[0])
    wait_for(lambda: stopped(payinv, "b"), "the idle slot stops")
    assert payinv.live() == "a"


def test_a_shutdown_ends_a_deploy_in_its_prepare(slotd, ports):
    payinv = Payinv(slotd, ports, options="prepare=sleep 60\n")
    payinv.daemon.rpc.slotd.deploy("payinv", "r1")
    wait_for(lambda: payinv.daemon.service("payinv")["step"] == "prepare", "it prepares")
    began = time.monotonic()
    assert payinv.daemon.end() == 0
    assert time.monotonic() - began < 20


# ---- queue workers

QUEUE = "[program:queue-%s]\ncommand=sleep 1000\nstartsecs=0\n"


def test_queue_workers_run_in_the_live_slot_only(slotd, ports):
    public, a, b = ports.one(), ports.run(1), ports.run(1)
    daemon = slotd(web_slot("s-a", a, "a") + web_slot("s-b", b, "b") + QUEUE % "a" + QUEUE % "b"
                   + service("s", f"127.0.0.1:{public}").replace("slot_a=s-a", "slot_a=s-a, queue-a")
                   .replace("slot_b=s-b", "slot_b=s-b, queue-b"))
    wait_for(lambda: try_once(("127.0.0.1", public)), "the service answers")
    daemon.wait_state("queue-a", "RUNNING")
    assert daemon.info("queue-b")["statename"] == "STOPPED"
    daemon.ctl("swap", "s", check=True)
    daemon.wait_state("queue-b", "RUNNING")
    daemon.wait_state("queue-a", "STOPPED")
    daemon.ctl("rollback", "s", check=True)
    daemon.wait_state("queue-a", "RUNNING")
    daemon.wait_state("queue-b", "STOPPED")


# ---- checks by a command

def test_a_command_checks_each_worker_by_its_address(slotd, ports):
    check = ("exec echo $SLOTD_SERVICE $SLOTD_SLOT $SLOTD_PORT >> %D%/checked; "
             "test ! -e %D%/bad || { echo not today; exit 1; }")
    payinv = Payinv(slotd, ports, health=check, options="ready_timeout=3\n")
    (payinv.daemon.dir / "bad").touch()
    said = payinv.swap(status=10)
    assert "not today" in said and "exit status 1" in said
    (payinv.daemon.dir / "bad").unlink()
    payinv.swap()
    checked = set(payinv.daemon.read("checked").splitlines())
    assert {f"payinv b {port}" for port in payinv.ports_b} <= checked


# ---- what stands still, and why

def test_a_live_slot_stopped_by_hand_says_by_whom(payinv):
    for i in range(2):
        payinv.daemon.rpc.supervisor.stopProcess(payinv.worker("a", i))
    me = pwd.getpwuid(os.geteuid()).pw_name
    wait_for(lambda: f"stopped by {me}" in payinv.daemon.service("payinv")["note"], "it is said")
    payinv.daemon.rpc.supervisor.startProcess(payinv.worker("a", 0))
    wait_for(lambda: not payinv.daemon.service("payinv")["note"], "it is over")
    assert once(payinv.address).startswith("a ")


def test_a_silent_relay_does_not_hold_up_a_swap_for_long(payinv):
    for pid, name in procs.children(payinv.daemon.pid).items():
        if name == "slotd-relay":
            os.kill(pid, signal.SIGSTOP)
    payinv.swap()
    assert payinv.live() == "b"
    payinv.daemon.wait_log("had read nothing for 4 s")
    assert once(payinv.address).startswith("b ")


def test_a_probe_that_hangs_is_restarted(slotd, ports):
    payinv = Payinv(slotd, ports, options="health_timeout=1\n")
    os.kill(payinv.daemon.helpers("probe")[0], signal.SIGSTOP)
    payinv.swap()
    assert payinv.live() == "b" and "slotd-probe" in payinv.daemon.log()


def test_a_swap_does_not_wait_for_a_relay_that_has_ended(slotd, ports):
    payinv = Payinv(slotd, ports)
    relay = payinv.daemon.helpers("relay")[0]
    os.kill(relay, signal.SIGSTOP)
    job = payinv.daemon.rpc.slotd.swap("payinv")
    wait_for(lambda: payinv.daemon.service("payinv")["step"] == "swap", "the relays are asked")
    os.kill(relay, signal.SIGKILL)
    wait_for(lambda: payinv.live() == "b", "the others suffice", 4)
    assert job and once(payinv.address).startswith("b ")


def troubles(payinv):
    return [t["code"] for t in payinv.daemon.service("payinv")["troubles"]]


def test_a_failed_record_and_a_busy_port_are_both_shown(slotd, ports):
    payinv = Payinv(slotd, ports, options="live_file=%D%/sub/live\n", start=False)
    sub = payinv.daemon.dir / "sub"
    sub.mkdir()
    with socket.create_server(payinv.address):
        payinv.daemon.start()
        wait_for(lambda: (sub / "live").exists(), "it is written")
        sub.rename(payinv.daemon.dir / "elsewhere")
        payinv.daemon.wait_log(f"(pid {os.getpid()}); trying again")
        wait_for(lambda: troubles(payinv) == ["address", "record"], "all is well but for both")
        texts = [t["text"] for t in payinv.daemon.service("payinv")["troubles"]]
        assert f"(pid {os.getpid()})" in texts[0] and "not recorded yet" in texts[1]
        assert payinv.daemon.service("payinv")["note"] == "; ".join(texts)
        shown = payinv.daemon.ctl("slots", check=True).stdout.splitlines()
        assert [s for s in shown if s.startswith("  ! ")] == [f"  ! {text}" for text in texts]
        for services in (json.loads(payinv.daemon.ctl("slots", "--json").stdout),
                         json.loads(payinv.daemon.ctl("status", "--json").stdout)["services"]):
            assert [t["text"] for t in services[0]["troubles"]] == texts
    payinv.wait_serving()
    wait_for(lambda: troubles(payinv) == ["record"], "the port is ours")
    sub.mkdir()
    wait_for(lambda: not troubles(payinv), "nothing is wrong any more", 15)
    assert (sub / "live").read_text() == "a\n"


def test_an_address_is_taken_once_its_holder_has_gone(slotd, ports):
    payinv = Payinv(slotd, ports, start=False)
    with socket.create_server(payinv.address):
        payinv.daemon.start()
        assert "held by" in payinv.daemon.service("payinv")["note"]
    payinv.wait_serving()
    wait_for(lambda: not payinv.daemon.service("payinv")["note"], "nothing is wrong any more")


# ---- reload

def test_a_reload_changes_addresses_and_restarts_nobody(slotd, ports):
    payinv = Payinv(slotd, ports)
    second = ports.one()
    pid = payinv.daemon.wait_state(payinv.worker("a", 0), "RUNNING")["pid"]
    was = payinv.daemon.config.read_text()
    payinv.daemon.config.write_text(
        was.replace(f"listen=127.0.0.1:{payinv.port}", f"listen=127.0.0.1:{second}"))
    said = payinv.daemon.ctl("reload", check=True).stdout
    assert said.splitlines()[0] == "service payinv: changed" and "restarted" not in said
    wait_for(lambda: try_once(("127.0.0.1", second)), "the new address answers")
    wait_for(lambda: not try_once(payinv.address), "the old one is closed")
    assert payinv.daemon.info(payinv.worker("a", 0))["pid"] == pid


def test_a_reload_with_a_taken_address_changes_nothing(payinv, ports):
    was = payinv.daemon.config.read_text()
    with socket.create_server(("127.0.0.1", ports.one())) as other:
        taken = f"127.0.0.1:{other.getsockname()[1]}"
        payinv.daemon.config.write_text(
            was.replace("listen=", f"listen={taken}, "))
        done = payinv.daemon.ctl("reload")
    assert done.returncode != 0 and taken in text_of(done) and "held by" in text_of(done)
    assert once(payinv.address).startswith("a ")


def test_existing_programs_become_slots_without_a_restart(slotd, ports):
    public, a, b = ports.one(), ports.run(1), ports.run(1)
    programs = web_slot("s-a", a, "a") + web_slot("s-b", b, "b")
    daemon = slotd(programs)
    names = [f"s-{s}:s-{s}_{p[0]}" for s, p in (("a", a), ("b", b))]
    for name in names:
        daemon.wait_state(name, "RUNNING")
    pids = [daemon.info(name)["pid"] for name in names]
    daemon.write_config(programs + service("s", f"127.0.0.1:{public}"))
    assert daemon.ctl("reload", check=True).stdout.startswith("service s: added\n")
    wait_for(lambda: try_once(("127.0.0.1", public)), "the service answers")
    assert [daemon.info(name)["pid"] for name in names] == pids
    daemon.ctl("swap", "s", check=True)
    assert once(("127.0.0.1", public)).startswith("b ")
    daemon.write_config(programs)
    assert "--force" in text_of(daemon.ctl("reload"))
    assert "service s: removed\n" in daemon.ctl("reload", "--force", check=True).stdout
    wait_for(lambda: not try_once(("127.0.0.1", public)), "the public socket is gone")
    assert daemon.info(names[1])["pid"] == pids[1]


def reload_with(payinv, x):
    """Another environment for the workers of both slots, whose programs say environment=X=0."""
    config = payinv.daemon.config
    config.write_text(re.sub(r"environment=X=\d", f"environment=X={x}", config.read_text()))
    payinv.daemon.ctl("reload", check=True)
    return payinv.daemon.worker(payinv.worker("a", 0))["pending"]


def test_what_a_live_worker_has_not_taken_yet_is_shown_until_it_has(slotd, ports):
    payinv = Payinv(slotd, ports, program="environment=X=0\n")
    pid = payinv.daemon.wait_state(payinv.worker("a", 0), "RUNNING")["pid"]
    assert reload_with(payinv, 1)
    assert reload_with(payinv, 1), "a second reload brings it nothing new"
    assert not reload_with(payinv, 0), "it runs with what the file says"
    assert payinv.daemon.info(payinv.worker("a", 0))["pid"] == pid


def test_a_reload_leaves_a_slot_that_drains_alone(slotd, ports):
    payinv = Payinv(slotd, ports, program="environment=X=0\n",
                    options="drain=connections\ndrain_timeout=600\nidle_keep=600\n")
    pid = payinv.daemon.wait_state(payinv.worker("a", 0), "RUNNING")["pid"]
    with swapped_and_draining(payinv):
        assert reload_with(payinv, 1)
        assert payinv.daemon.info(payinv.worker("a", 0))["pid"] == pid


# ---- who may

@pytest.mark.skipif(os.geteuid() != 0, reason="another user needs root")
@pytest.mark.parametrize("allowed", [True, False])
def test_a_deploy_is_for_those_whom_the_service_allows(slotd, ports, allowed):
    payinv = Payinv(slotd, ports, options=f"allow_deploy={'nobody' if allowed else 'daemon'}\n")
    done = payinv.daemon.ctl("swap", "payinv", user="nobody", group="nogroup", extra_groups=[])
    if allowed:
        assert done.returncode == 0 and payinv.live() == "b", text_of(done)
        assert "by nobody" in text_of(done)
    else:
        assert done.returncode != 0 and "allow=deploy:" in text_of(done)
        assert payinv.live() == "a"


@pytest.mark.skipif(os.geteuid() != 0, reason="another user needs root")
@pytest.mark.parametrize("method, arguments", [
    ("sendRemoteCommEvent", ("note", "x")), ("sendProcessStdin", ("{worker}", "x"))])
def test_those_who_may_deploy_may_not_speak_to_programs(slotd, ports, method, arguments):
    payinv = Payinv(slotd, ports, options="allow_deploy=nobody\n")
    asked = xmlrpc.client.dumps(
        tuple(a.format(worker=payinv.worker("a", 0)) for a in arguments), f"supervisor.{method}")
    done = subprocess.run(
        ["curl", "-s", "--unix-socket", payinv.daemon.dir / "run/slotd.sock", "-d", asked,
         "http://localhost/RPC2"], user="nobody", group="nogroup", extra_groups=[], text=True,
        capture_output=True, check=True, timeout=60)
    with pytest.raises(xmlrpc.client.Fault, match="only root"):
        xmlrpc.client.loads(done.stdout)


# ---- what people are told

def test_what_a_failing_check_of_a_live_worker_got_is_told(slotd, ports):
    payinv = Payinv(slotd, ports, health="exec test ! -e %D%/sick", options="health_fall=1\n")
    wait_for(lambda: payinv.daemon.slot("payinv", "a")["ready"] == 2, "they are healthy")
    (payinv.daemon.dir / "sick").touch()

    def notes():
        return {w["note"] for w in payinv.daemon.rpc.slotd.status()["workers"]
                if w["slot"] == "a" and not w["healthy"]}

    wait_for(lambda: len(notes()) == 1 and "1" in notes().pop(), "the exit status is in the note")
    (payinv.daemon.dir / "sick").unlink()
    wait_for(lambda: not notes(), "they are healthy again")
    assert not any(w["note"] for w in payinv.daemon.rpc.slotd.status()["workers"])


def test_a_worker_whose_port_is_taken_is_named_with_the_holder(slotd, ports):
    payinv = Payinv(slotd, ports, program="startretries=0\n")
    with socket.create_server(("127.0.0.1", payinv.ports_b[0])):
        said = payinv.swap(status=10)
    assert f"127.0.0.1:{payinv.ports_b[0]} is held by" in said and "NOTHING SWAPPED" in said


def test_a_damaged_state_file_stops_the_services_only(slotd, ports):
    payinv = Payinv(slotd, ports, start=False)
    state = payinv.daemon.dir / "state"
    state.mkdir()
    (state / "state.json").write_text('{"services": {')
    payinv.daemon.start()
    assert "damaged" in payinv.daemon.service("payinv")["note"]
    assert (state / "state.json").read_text() == '{"services": {'
    (state / "state.json").unlink()
    assert payinv.daemon.end() == 0
    payinv.daemon.start()
    payinv.wait_serving()


def test_a_removed_slot_is_empty_and_refuses_a_swap(payinv):
    payinv.daemon.supervisorctl("stop", "payinv-b:*")
    payinv.daemon.supervisorctl("remove", "payinv-b", check=True)
    said = payinv.swap(status=10)
    assert "empty" in said and once(payinv.address).startswith("a ")
    payinv.daemon.ctl("add", "payinv-b", check=True)
    payinv.swap()


def test_a_removed_live_slot_holds_its_connections(payinv):
    payinv.daemon.supervisorctl("stop", "payinv-a:*")
    payinv.daemon.supervisorctl("remove", "payinv-a", check=True)
    wait_for(lambda: "removed" in payinv.daemon.service("payinv")["note"], "it is said")
    answers = []
    waiting = threading.Thread(target=lambda: answers.append(once(payinv.address)))
    waiting.start()
    payinv.swap()
    waiting.join(20)
    assert answers and answers[0].startswith("b ")
    wait_for(lambda: not payinv.daemon.service("payinv")["note"], "all is well again")


def test_since_when_a_slot_is_live_survives_a_restart(payinv):
    payinv.swap()
    since = payinv.daemon.service("payinv")["since"]
    wait_for(lambda: time.time() > since + 1, "another second")
    assert payinv.daemon.end() == 0
    payinv.daemon.start()
    assert payinv.daemon.service("payinv")["since"] == since


@pytest.mark.skipif(os.geteuid() != 0, reason="a file system of its own needs root")
def test_a_full_disk_refuses_the_swap_and_changes_nothing(slotd, ports):
    payinv = Payinv(slotd, ports, options="live_file=%D%/full/live\n", start=False)
    full = payinv.daemon.dir / "full"
    full.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", full]).returncode:
        pytest.skip("no file systems can be mounted here")
    try:
        payinv.daemon.start()
        payinv.wait_serving()
        wait_for(lambda: (full / "live").exists(), "it is written")
        with open(full / "ballast", "wb", buffering=0) as ballast:
            with pytest.raises(OSError):
                while True:
                    ballast.write(b"x" * 4096)
        said = payinv.swap(status=10)
        assert "No space left" in said and (full / "live").read_text() == "a\n"
        assert once(payinv.address).startswith("a ")
        (full / "ballast").unlink()
        payinv.swap()
        assert (full / "live").read_text() == "b\n"
        assert payinv.daemon.end() == 0
    finally:
        subprocess.run(["umount", full], check=True)


def test_a_live_worker_that_never_comes_up_does_not_hold_up_the_end(slotd, ports):
    """It is FATAL and goes on trying; a crash loop beside it waits for its next second."""
    workers = ports.run(2)
    daemon = slotd("".join(f"[program:s-{s}]\ncommand=/bin/false\nprocess_name=w_%(process_num)d\n"
                           f"numprocs_start={port}\nstartretries=0\n"
                           for s, port in zip("ab", workers))
                   + service("s", f"127.0.0.1:{ports.one()}", health="tcp")
                   + "[program:loop]\ncommand=/bin/false\nstartsecs=0\n")
    daemon.wait_state(f"s-a:w_{workers[0]}", "FATAL")
    daemon.wait_state("loop", "EXITED")
    assert daemon.end(timeout=10) == 0
