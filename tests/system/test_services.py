"""Services: two slots, one public socket, swaps that lose nothing."""

import os
import pwd
import re
import signal
import socket
import threading
import time

import pytest

from harness import procs
from harness.apps import service, two_slots, web_slot
from harness.load import Load, once, try_once
from harness.procs import wait_for


class Payinv:
    """A service of web workers on ports of its own."""

    def __init__(self, slotd, ports, count=2, start=True, **options):
        self.port = ports.one()
        self.address = ("127.0.0.1", self.port)
        self.ports_a, self.ports_b = ports.run(count), ports.run(count)
        self.config = two_slots("payinv", f"127.0.0.1:{self.port}", self.ports_a, self.ports_b,
                                **{"options": "live_file=%D%/live\n", **options})
        self.daemon = slotd(self.config, start=start)
        if start:
            self.wait_serving()

    def wait_serving(self):
        wait_for(lambda: try_once(self.address), "the service answers")

    def worker(self, slot, i):
        port = (self.ports_a if slot == "a" else self.ports_b)[i]
        return f"payinv-{slot}:payinv-{slot}_{port}"

    def swap(self, *arguments, status=0):
        done = self.daemon.ctl("swap", "payinv", *arguments)
        assert done.returncode == status, done.stdout + done.stderr
        return done.stdout + done.stderr

    def live(self):
        return self.daemon.service("payinv")["live"]

    def live_file(self):
        return self.daemon.read("live").strip()


@pytest.fixture
def payinv(slotd, ports):
    return Payinv(slotd, ports)


# ---- serving

def test_only_the_live_slot_starts_and_answers(payinv):
    assert {once(payinv.address).split()[0] for _ in range(6)} == {"a"}
    assert payinv.daemon.info(payinv.worker("b", 0))["statename"] == "STOPPED"
    assert payinv.live_file() in ("", "a")


def test_round_robin_uses_every_worker(slotd, ports):
    payinv = Payinv(slotd, ports, count=3, options="balance=round_robin\n")
    for i in range(3):
        payinv.daemon.wait_state(payinv.worker("a", i), "RUNNING")
    wait_for(lambda: len({once(payinv.address).split()[1] for _ in range(9)}) == 3,
             "all three answer")
    asked = [once(payinv.address).split()[1] for _ in range(60)]
    assert all(asked.count(worker) >= 5 for worker in set(asked))  # several relays, each in turn


def test_worker_max_is_what_all_relays_together_give_a_worker(slotd, ports):
    payinv = Payinv(slotd, ports, count=1, options="worker_max=4\n[slotd]\nrelays=4\n")
    active = lambda: payinv.daemon.slot("payinv", "a")["active"]  # noqa: E731
    clients = []

    def placed():
        for _ in range(24 if len(clients) < 240 else 0):  # a relay may have got none of the first
            clients.append(socket.create_connection(payinv.address))
            clients[-1].sendall(b"GET / HTTP/1.1\r\n")  # a request that does not end
        return not procs.stays(lambda: active() < 4, 0.3)

    wait_for(placed, "each relay has placed one")
    assert procs.stays(lambda: active() == 4, 0.3)
    for client in clients:
        client.close()


def test_source_keeps_a_client_at_one_worker(slotd, ports):
    payinv = Payinv(slotd, ports, count=3, options="balance=source\n")
    time_all_up = lambda: all(  # noqa: E731
        try_once(("127.0.0.1", port)) for port in payinv.ports_a)
    wait_for(time_all_up, "all workers listen")
    wait_for(lambda: payinv.daemon.slot("payinv", "a")["ready"] == 3, "all are known as healthy")
    assert len({once(payinv.address).split()[1] for _ in range(20)}) == 1


@pytest.mark.parametrize("kind", ["ipv6", "unix"])
def test_other_kinds_of_socket_on_both_sides(slotd, ports, kind):
    if kind == "ipv6":
        port, workers = ports.one(), ports.run(2)
        listen, address = f"[::1]:{port}", ("::1", port)
        programs = "".join(
            web_slot(f"payinv-{s}", [w], s).replace(" 127.0.0.1:", " [::1]:")
            for s, w in zip("ab", workers))
        config = programs + service("payinv", listen, "worker=[::1]:%(process_num)d\n")
        daemon = slotd(config)
    else:
        config = "".join(
            web_slot(f"payinv-{s}", [n], s).replace(
                " 127.0.0.1:%(process_num)d", " unix:%D%/w%(process_num)d.sock")
            for s, n in (("a", 1), ("b", 2)))
        config += service("payinv", "unix:%D%/public.sock",
                          "worker=unix:%D%/w%(process_num)d.sock\n")
        daemon = slotd(config)
        address = str(daemon.dir / "public.sock")
    wait_for(lambda: try_once(address), "the service answers")
    daemon.ctl("swap", "payinv", check=True)
    assert once(address).startswith("b ")


def test_a_dead_worker_is_passed_over(payinv):
    daemon = payinv.daemon
    daemon.rpc.supervisor.stopProcess(payinv.worker("a", 0))
    assert all(once(payinv.address) for _ in range(20))


def test_a_service_without_workers_holds_its_connections(payinv):
    daemon = payinv.daemon
    for i in range(2):
        daemon.rpc.supervisor.stopProcess(payinv.worker("a", i))
    answers = []
    waiting = threading.Thread(target=lambda: answers.append(once(payinv.address)))
    waiting.start()
    assert procs.stays(lambda: not answers, 0.3)
    daemon.rpc.supervisor.startProcess(payinv.worker("a", 0))
    waiting.join(20)
    assert answers and answers[0].startswith("a ")


def test_half_close_passes_through(slotd, ports):
    """A client that ends its sending side still gets the answer."""
    payinv = Payinv(slotd, ports)
    with socket.create_connection(payinv.address, 10) as s:
        s.sendall(b"GET /slow?200 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        s.shutdown(socket.SHUT_WR)
        got = b""
        while data := s.recv(65536):
            got += data
    assert got.endswith(b"\n") and b"a 127" in got


def test_big_answers_arrive_whole(payinv):
    assert len(once(payinv.address, "/bytes?5000000")) == 5_000_000


def test_a_stuck_client_stops_no_other(payinv):
    stuck = socket.create_connection(payinv.address, 10)
    stuck.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    stuck.sendall(b"GET /bytes?50000000 HTTP/1.1\r\nHost: x\r\n\r\n")
    assert all(once(payinv.address) for _ in range(20))
    stuck.close()


ECHO_SERVER = """
import socket, sys
listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
while True:
    connection, _ = listener.accept()
    with connection:
        request = b""
        while b"\\r\\n\\r\\n" not in request and (piece := connection.recv(4096)):
            request += piece
        head = b"HTTP/1.1 200 X\\r\\nContent-Length: %d\\r\\n\\r\\n" % len(request)
        if request:  # a health check only connects
            connection.sendall(head + request)
"""


def test_the_client_address_travels_by_proxy_protocol(slotd, ports, tmp_path):
    public = ports.one()
    script = tmp_path / "echo.py"
    script.write_text(ECHO_SERVER)
    command = f"/usr/bin/python3 {script} %(process_num)d"
    slotd(f"[program:s-a]\ncommand={command}\nprocess_name=w_%(process_num)d\n"
          f"numprocs=1\nnumprocs_start={ports.one()}\n"
          f"[program:s-b]\ncommand={command}\nprocess_name=w_%(process_num)d\n"
          f"numprocs=1\nnumprocs_start={ports.one()}\n"
          + service("s", f"127.0.0.1:{public}", "proxy_protocol=v1\n", health="tcp"))
    with socket.create_connection(("127.0.0.1", public), 10) as s:
        mine = s.getsockname()[1]
        s.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        got = b""
        while not got.endswith(b"Host: x\r\n\r\n") and (chunk := s.recv(4096)):
            got += chunk
    assert b"PROXY TCP4 127.0.0.1 127.0.0.1 %d %d\r\nGET /" % (mine, public) in got


# ---- swapping

def test_a_swap_moves_new_connections_and_stops_the_old_slot(payinv):
    text = payinv.swap()
    assert payinv.live() == "b" and payinv.live_file() == "b"
    assert once(payinv.address).startswith("b ")
    for word in ("start", "gate", "swap", "drain"):
        assert word in text
    wait_for(lambda: payinv.daemon.info(payinv.worker("a", 0))["statename"] == "STOPPED",
             "the old slot stops")


@pytest.mark.plain_only
def test_swaps_under_load_lose_nothing(slotd, ports):
    payinv = Payinv(slotd, ports, count=3)
    loads = [Load(payinv.address, clients=2, rate=40),
             Load(payinv.address, clients=4, rate=5, keep_alive=True),
             Load(payinv.address, clients=2, path="/slow?200")]
    for i in range(4):
        old = payinv.live()
        payinv.swap()
        flipped = time.monotonic()
        wait_for(lambda: all(l.answered("ab"[old == "a"], flipped) for l in loads),
                 "every kind of load is answered by the new slot")
        assert not [r for load in loads for r in load.late_answers(old, flipped)]
    for load in loads:
        load.stop()
        assert not load.failed(), load.failed()[:5]
        assert load.counts()["ok"] > 10


def test_rollback_is_the_way_back(slotd, ports):
    payinv = Payinv(slotd, ports, options="idle_keep=600\nlive_file=%D%/live\n")
    payinv.swap()
    pid = payinv.daemon.wait_state(payinv.worker("a", 0), "RUNNING")["pid"]
    assert pid, "the old slot is kept warm"
    payinv.daemon.ctl("rollback", "payinv", check=True)
    assert payinv.live() == "a" and once(payinv.address).startswith("a ")
    assert payinv.daemon.info(payinv.worker("a", 0))["pid"] == pid


def test_a_gate_that_fails_changes_nothing_and_says_why(slotd, ports):
    payinv = Payinv(slotd, ports, options="ready_timeout=2\nlive_file=%D%/live\n")
    config = payinv.daemon.config
    config.write_text(config.read_text().replace(
        " b ", " b --status 503 ", 1))
    payinv.daemon.ctl("reload", check=True)
    with Load(payinv.address, clients=2, rate=40) as load:
        text = payinv.swap(status=10)
    assert re.search("answered 503 to GET /healthz.*; 1 more like it\\n", text), text
    assert payinv.worker("b", 0).split(":")[1] in text
    assert "NOTHING SWAPPED" in text
    assert payinv.live() == "a" and payinv.live_file() in ("", "a")
    assert set(load.slots()) == {"a"} and not load.failed()
    wait_for(lambda: payinv.daemon.info(payinv.worker("b", 0))["statename"] == "STOPPED",
             "the idle slot is stopped again")


def test_many_workers_that_cannot_be_started_fail_the_swap_alone(slotd, ports):
    a, b = ports.run(2), ports.run(20)
    config = two_slots("payinv", f"127.0.0.1:{ports.one()}", a, b, program="startretries=0\n")
    at = config.index("[program:payinv-b]")
    daemon = slotd(config[:at] + re.sub("command=.*", "command=sh 'unclosed", config[at:], count=1))
    daemon.wait_state(f"payinv-a:payinv-a_{a[0]}", "RUNNING")
    done = daemon.ctl("swap", "payinv")
    assert done.returncode == 10 and "No closing quotation" in done.stdout
    assert daemon.process.poll() is None


def test_a_worker_that_is_tried_again_when_time_is_up_tells_how_it_ended(slotd, ports):
    a, b = ports.run(1), ports.run(1)
    config = two_slots("payinv", f"127.0.0.1:{ports.one()}", a, b, program="startsecs=1\n",
                       options="ready_timeout=2.3\n")
    at = config.index("[program:payinv-b]")
    daemon = slotd(config[:at] + re.sub("command=.*", "command=sh -c 'sleep 0.9; exit 3'",
                                        config[at:], count=1))
    daemon.wait_state(f"payinv-a:payinv-a_{a[0]}", "RUNNING")
    done = daemon.ctl("swap", "payinv")
    assert done.returncode == 10
    assert "it ended before startsecs, exit status 3" in done.stdout, done.stdout


def test_an_app_that_listens_late_is_waited_for(slotd, ports):
    payinv = Payinv(slotd, ports, arguments="--listen-after 1.5", program="startsecs=1\n")
    with Load(payinv.address, clients=3, rate=30) as load:
        payinv.swap()
        flipped = time.monotonic()
        wait_for(lambda: load.answered("b", flipped), "slot b answers")
    assert not load.failed() and not load.late_answers("a", flipped)


def test_workers_that_die_at_once_on_term_lose_nothing(slotd, ports):
    payinv = Payinv(slotd, ports, arguments="--die-on-term")
    with Load(payinv.address, clients=2, path="/slow?150") as slow, \
            Load(payinv.address, clients=2, rate=50) as quick:
        for _ in range(2):
            payinv.swap()
            quick.go_on()
    assert not slow.failed() and not quick.failed(), (slow.counts(), quick.counts())


def test_deploy_prepares_in_the_idle_slot_first(slotd, ports):
    payinv = Payinv(slotd, ports, options="""\
prepare_directory=%D%/log
prepare=
  echo "$SLOTD_SERVICE $SLOTD_SLOT $SLOTD_LIVE_SLOT $SLOTD_RELEASE $PWD" > %D%/prepared
  echo preparing aloud
""")
    done = payinv.daemon.ctl("deploy", "payinv", "4f2c91e", check=True)
    assert payinv.daemon.read("prepared").split() == [
        "payinv", "b", "a", "4f2c91e", str(payinv.daemon.dir / "log")]
    assert "preparing aloud" in done.stdout and payinv.live() == "b"
    assert payinv.daemon.slot("payinv", "b")["release"] == "4f2c91e"


def test_a_prepare_that_fails_ends_the_deploy(slotd, ports):
    payinv = Payinv(slotd, ports, options="prepare=\n  echo no database >&2\n  exit 3\n  touch %D%/x\n")
    done = payinv.daemon.ctl("deploy", "payinv")
    assert done.returncode == 10 and "no database" in done.stdout + done.stderr
    assert payinv.live() == "a" and not payinv.daemon.read("x")
    assert payinv.daemon.info(payinv.worker("b", 0))["statename"] == "STOPPED"


def test_a_second_swap_is_refused_while_one_runs(slotd, ports):
    payinv = Payinv(slotd, ports, health="exec test $SLOTD_SLOT = a -o -e %D%/go")
    first = threading.Thread(target=payinv.swap)
    first.start()
    wait_for(lambda: payinv.daemon.service("payinv")["step"], "the first is under way")
    second = payinv.daemon.ctl("swap", "payinv")
    assert second.returncode == 12
    assert "slotctl attach payinv" in second.stderr and "--wait 10m" in second.stderr
    (payinv.daemon.dir / "go").touch()
    first.join(60)
    assert payinv.live() == "b"


def test_an_idle_slot_starts_by_its_own_name_only(payinv):
    daemon = payinv.daemon
    daemon.ctl("start", "all")
    assert daemon.info(payinv.worker("b", 0))["statename"] == "STOPPED"
    daemon.supervisorctl("start", "payinv-b:*", check=True)
    assert daemon.info(payinv.worker("b", 0))["statename"] == "RUNNING"
    assert once(payinv.address).startswith("a ")


# ---- who is live over time

def test_a_restarted_slotd_starts_the_slot_that_was_live(payinv):
    payinv.swap()
    assert payinv.daemon.end() == 0
    payinv.daemon.start()
    payinv.wait_serving()
    assert once(payinv.address).startswith("b ") and payinv.live_file() == "b"
    assert payinv.daemon.info(payinv.worker("a", 0))["statename"] == "STOPPED"


def test_the_first_start_takes_who_is_live_from_the_live_file(slotd, ports):
    payinv = Payinv(slotd, ports, start=False)
    (payinv.daemon.dir / "live").write_text("b\n")
    payinv.daemon.start()
    payinv.wait_serving()
    assert once(payinv.address).startswith("b ")


def test_rubbish_in_the_live_file_stops_that_service_only(slotd, ports):
    payinv = Payinv(slotd, ports, start=False)
    payinv.daemon.config.write_text(payinv.daemon.config.read_text()
                                    + "[program:other]\ncommand=sleep 1000\nstartsecs=0\n")
    (payinv.daemon.dir / "live").write_text("c0ffee")
    payinv.daemon.start()
    payinv.daemon.wait_state("other", "RUNNING")
    payinv.daemon.wait_log("c0ffee")
    assert payinv.daemon.info(payinv.worker("a", 0))["statename"] == "STOPPED"
    slots = payinv.daemon.ctl("slots", check=True).stdout
    assert "LIVE" not in slots and 'write "a" or "b" into it, then run slotctl reload' in slots
    (payinv.daemon.dir / "live").write_text("b")
    payinv.daemon.ctl("reload", check=True)
    wait_for(lambda: "b    LIVE" in payinv.daemon.ctl("slots").stdout, "slot b is live")


# ---- what goes wrong

def test_a_taken_port_names_its_holder(slotd, ports):
    payinv = Payinv(slotd, ports, start=False)
    with socket.create_server(payinv.address):
        payinv.daemon.expected_status = {0, 2}
        payinv.daemon.start(wait=False)
        wait_for(lambda: str(payinv.port) in payinv.daemon.stderr() + payinv.daemon.log(),
                 "it is said")
        text = payinv.daemon.stderr() + payinv.daemon.log()
        assert f"pid {os.getpid()}" in text, text
        payinv.daemon.end()


@pytest.mark.parametrize("count", [3])
def test_crashing_workers_cost_only_what_they_had_in_hand(slotd, ports, count):
    payinv = Payinv(slotd, ports, count=count)
    wait_for(lambda: payinv.daemon.slot("payinv", "a")["ready"] == count, "all are healthy")
    with Load(payinv.address, clients=3, rate=40) as load:
        for i in range(3):
            killed = payinv.daemon.wait_state(payinv.worker("a", i), "RUNNING")["pid"]
            os.kill(killed, signal.SIGKILL)
            wait_for(lambda: payinv.daemon.info(payinv.worker("a", i))["pid"] not in (0, killed)
                     and payinv.daemon.slot("payinv", "a")["ready"] == count, "it is back")
            load.go_on()
    assert load.counts()["refused"] == 0
    assert len(load.failed()) <= 9, load.counts()  # at most one of each client a crash


@pytest.mark.parametrize("helper", ["relay", "log", "probe", "control", "keep"])
@pytest.mark.plain_only
def test_a_killed_helper_is_back_at_once(slotd, ports, helper, record_property):
    payinv = Payinv(slotd, ports)
    daemon = payinv.daemon
    wait_for(lambda: daemon.helpers(helper), f"slotd-{helper} runs")
    before = daemon.helpers(helper)
    with Load(payinv.address, clients=2, rate=30) as load:
        load.go_on()
        killed = time.monotonic()
        os.kill(before[0], signal.SIGKILL)
        wait_for(lambda: len(daemon.helpers(helper)) == len(before)
                 and before[0] not in daemon.helpers(helper), f"slotd-{helper} is back")
        took = time.monotonic() - killed
        load.go_on()
    record_property("figures", f"slotd-{helper} killed: back after {took * 1000:.0f} ms")
    assert load.counts()["refused"] == 0
    if helper == "relay":
        assert len(load.failed()) <= 2, load.counts()
    else:
        assert not load.failed(), load.failed()[:3]
    payinv.swap()
    assert once(payinv.address).startswith("b ")


def test_all_helpers_end_with_slotd(payinv):
    pids = [pid for name in ("relay", "log", "probe", "control", "keep")
            for pid in payinv.daemon.helpers(name)]
    assert len(pids) >= 5
    assert payinv.daemon.end() == 0
    wait_for(lambda: not any(procs.alive(pid) for pid in pids), "all helpers end")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may run prepare as somebody else")
def test_prepare_and_checks_have_the_environment_of_their_user(slotd, ports):
    wanted = "HOME=$HOME USER=$USER LOGNAME=$LOGNAME SHELL=$SHELL"
    payinv = Payinv(slotd, ports, health=f'exec cd %D%/out && echo "{wanted}" > new.$$ && mv new.$$ check',
                    program='user=nobody\nenvironment=SHELL="/bin/mine"\n',
                    options=f'prepare=echo "{wanted}" > %D%/out/prepare\n', start=False)
    out = payinv.daemon.dir / "out"
    out.mkdir()
    out.chmod(0o777)
    payinv.daemon.start()
    payinv.wait_serving()
    payinv.daemon.ctl("deploy", "payinv", check=True)
    for name in ("prepare", "check"):
        assert (out / name).read_text().split() == [
            f"HOME={pwd.getpwnam('nobody').pw_dir}", "USER=nobody", "LOGNAME=nobody",
            "SHELL=/bin/mine"]


def test_prepare_knows_whom_it_runs_as_where_slotd_was_started_without_a_login(
        slotd, ports, monkeypatch):
    me = pwd.getpwuid(os.geteuid())
    for name in ("HOME", "USER", "LOGNAME", "SHELL"):
        monkeypatch.delenv(name, raising=False)
    payinv = Payinv(slotd, ports, program="environment=SHELL=/bin/mine\n",
                    options="prepare=echo $HOME $USER $LOGNAME $SHELL > %D%/prepared\n")
    payinv.daemon.ctl("deploy", "payinv", check=True)
    assert payinv.daemon.read("prepared").split() == [
        me.pw_dir, me.pw_name, me.pw_name, "/bin/mine"]
