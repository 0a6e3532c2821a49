"""GET /metrics: what it says of programs and services, and to whom; that it holds nobody up."""

import base64
import http.client
import os
import re
import signal
import socket
import subprocess
import time

import pytest

from harness.daemon import signal_and_wait
from harness.load import once
from harness.paths import ROOT, SLOTCTL
from harness.procs import wait_for
from harness.scrape import TYPE, Metrics, get, promtool, scrape
from test_canary import HELD, canary
from test_services import Payinv

MAN = ROOT / "man/slotd.8"
PROGRAMS = """
[program:"odd"name]
command=sleep 1000
[program:ends]
command=sh -c 'exit 3'
startsecs=0
autorestart=false
"""


def until(daemon, what, condition):
    """The first page of which the condition holds."""
    return wait_for(lambda: next((m for m in [scrape(daemon)] if condition(m)), None), what)


def test_a_swap_a_pause_and_a_crash_show(slotd, ports):
    payinv = Payinv(slotd, ports, options="[slotd]\nrelays=2\n" + PROGRAMS)
    daemon = payinv.daemon
    for _ in range(20):
        once(payinv.address)
    m = until(daemon, "all is up", lambda m: m("slotd_slot_ready_workers", slot="a") == 2 and
              m("slotd_process_state", process='"odd"name') == 20)
    assert m("slotd_up") == 1 and m("slotd_build_info") == 1
    assert abs(m("slotd_start_time_seconds") - time.time()) < 600
    assert m("slotd_process_last_exit_status", process="ends") == 3
    assert m("slotd_process_up", process="ends") == 0
    assert not m.all("slotd_process_start_time_seconds", process="ends")
    assert m.sum("slotd_worker_answered_requests_total", slot="a") >= 20
    assert m.sum("slotd_worker_connections_total", service="payinv") >= 20
    assert m("slotd_service_accepted_connections_total") >= 20
    assert m.sum("slotd_worker_received_bytes_total", slot="a") > 20 * len("GET / HTTP/1.1")
    assert m("slotd_slot_live", slot="a") == 1 and m("slotd_slot_live", slot="b") == 0
    assert m("slotd_slot_state", slot="a", state="live") == 1
    assert not m.all("slotd_service_last_job_exit_status")

    promtool(m.text)
    entries = re.findall(r"^\.It Cm (slotd_.*)$", MAN.read_text(), re.M)
    shown = re.findall(r"^# TYPE (\S+)", m.text, re.M)
    assert sorted(re.findall(r"slotd_\w+", " ".join(entries))) == sorted(shown)

    # A swap.
    before = time.time()
    payinv.swap()
    m = until(daemon, "the swap is over",
              lambda m: m.all("slotd_service_last_job_end_time_seconds"))
    assert m("slotd_slot_live", slot="b") == 1 and m("slotd_slot_live", slot="a") == 0
    assert m.sum("slotd_slot_state", slot="b") == 1
    assert m("slotd_slot_share_ratio", slot="b") == 1
    assert m("slotd_service_last_job_exit_status", kind="swap") == 0
    for name in ("slotd_service_last_job_end_time_seconds", "slotd_service_last_swap_time_seconds"):
        assert before - 1 < m(name) < time.time() + 1

    # A pause, and a client that waits.
    daemon.ctl("pause", "payinv", check=True)
    with socket.create_connection(payinv.address) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        m = until(daemon, "it is paused",
                  lambda m: m("slotd_service_trouble", trouble="paused") == 1)
        assert m.sum("slotd_service_trouble") == 1 and m.sum("slotd_slot_share_ratio") == 0
        daemon.ctl("resume", "payinv", check=True)
        until(daemon, "it goes on", lambda m: m.sum("slotd_service_trouble") == 0)

    # A crash.
    worker = payinv.worker("b", 0)
    os.kill(daemon.info(worker)["pid"], signal.SIGKILL)
    name = worker.split(":")[1]
    m = until(daemon, "it was started again",
              lambda m: m("slotd_process_restarts_total", process=name) == 1)
    assert m("slotd_process_last_exit_signal", process=name) == signal.SIGKILL
    assert not m.all("slotd_process_last_exit_status", process=name)

    # A failed deploy.
    daemon.rpc.supervisor.stopProcessGroup("payinv-a")
    daemon.write_config(daemon.read("slotd.conf").replace("[service:payinv]\n", "[service:payinv]\n"
                                                          "prepare=false\n"), head=False)
    daemon.ctl("reload", check=True)
    assert daemon.ctl("deploy", "payinv", "v2").returncode == 10
    m = until(daemon, "the deploy has failed",
              lambda m: m.all("slotd_service_last_job_exit_status", kind="deploy"))
    assert m("slotd_service_last_job_exit_status") == 10
    assert m("slotd_service_job_running") == 0 and not m.all("slotd_service_job_info")

    # Killed, slotd is not up; the next one knows the last job from the history.
    daemon.kill()
    until(daemon, "slotd's end is noticed", lambda m: m("slotd_up") == 0)
    daemon.start()
    m = until(daemon, "the next one is up", lambda m: m("slotd_up") == 1 and m.all(
        "slotd_service_last_job_end_time_seconds", kind="deploy"))
    assert m("slotd_service_last_job_exit_status") == 10
    assert abs(m("slotd_service_last_job_end_time_seconds") - time.time()) < 300


def test_a_canary_and_connections_show_and_totals_do_not_fall_with_a_relay(slotd, ports):
    payinv = Payinv(slotd, ports, options=HELD + "[slotd]\nrelays=2\n")
    daemon = payinv.daemon
    canary(payinv, "10%")
    m = until(daemon, "it has its share", lambda m: m("slotd_slot_share_ratio", slot="b") == 0.1)
    assert m("slotd_slot_share_ratio", slot="a") == 0.9
    assert m("slotd_slot_state", slot="b", state="canary") == 1
    assert m("slotd_service_job_info", kind="canary", step="canary") == 1
    assert m("slotd_slot_deadline_time_seconds", slot="b") > time.time()
    with socket.create_connection(payinv.address) as client:
        client.sendall(b"GET / HTTP/1.1\r\n")  # no end of its head
        until(daemon, "it is in a request",
              lambda m: m.sum("slotd_worker_open_connections", state="request") == 1)
    for _ in range(30):
        once(payinv.address)
    before = scrape(daemon)
    names = ("slotd_worker_connections_total", "slotd_worker_answered_requests_total",
             "slotd_service_accepted_connections_total", "slotd_worker_sent_bytes_total")
    pids = daemon.helpers("relay")
    for pid in pids:
        signal_and_wait(pid)
    wait_for(lambda: len(set(daemon.helpers("relay")) - set(pids)) == len(pids), "others run")
    after = scrape(daemon)
    for name in names:
        assert after.sum(name) >= before.sum(name) >= 30, name
    once(payinv.address)
    until(daemon, "they count on", lambda m: m.sum(names[0]) > after.sum(names[0]))


# ---- HTTP

def answer(address, request):
    """Bytes to a port, until it closes the connection."""
    with socket.create_connection(address) as client:
        client.settimeout(30)
        client.sendall(request)
        got = b""
        while True:
            part = client.recv(65536)
            if not part:
                return got.decode()
            got += part


def test_methods_versions_and_the_password_of_a_port(slotd, ports):
    port = ports.one()
    slotd(f"""
[inet_http_server]
port=127.0.0.1:{port}
username=ana
password=geheim
""" + PROGRAMS)
    right = "Authorization: Basic " + base64.b64encode(b"ana:geheim").decode()

    def ask(line, header=right, more=""):
        return answer(("127.0.0.1", port), f"{line}\r\nHost: x\r\nConnection: close\r\n{header}\r\n"
                                           f"{more}\r\n".encode())

    assert " 401 " in ask("GET /metrics HTTP/1.1", "X: y") and "slotd_" not in ask(
        "GET /metrics HTTP/1.1", "Authorization: Basic YW5hOng=")
    head, body = ask("GET /metrics?x=y HTTP/1.0").split("\r\n\r\n", 1)
    assert " 200 OK" in head and f"Content-Type: {TYPE}" in head
    assert Metrics(body)("slotd_up") == 1  # without a length it ends with the connection
    head, body = ask("HEAD /metrics HTTP/1.1").split("\r\n\r\n", 1)
    assert " 200 OK" in head and f"Content-Type: {TYPE}" in head and not body
    bare = f"HEAD /metrics HTTP/1.1\r\nHost: x\r\n{right}\r\n\r\n"
    assert answer(("127.0.0.1", port), bare.encode()).split("\r\n\r\n")[1:] == [""]
    for line in ("POST /metrics HTTP/1.1", "PUT /metrics HTTP/1.1", "DELETE /metrics HTTP/1.1"):
        text = ask(line, more="Content-Length: 0\r\n")
        assert " 405 " in text and "Allow: GET, HEAD" in text and "slotd_up" not in text
    assert " 404 " in ask("GET /metrics/ HTTP/1.1")
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=30)  # kept alive
    for _ in range(3):
        client.request("GET", "/metrics", headers=dict([right.split(": ", 1)]))
        assert Metrics(client.getresponse().read().decode())("slotd_up") == 1
    client.close()


# ---- who may read them

USERS = {"metrics": "daemon", "read": "games", "deploy": "backup", "one": "mail", "none": "nobody"}


@pytest.mark.skipif(os.geteuid() != 0, reason="other users need root")
def test_the_role_metrics_reads_them_and_nothing_else(slotd, ports):
    payinv = Payinv(slotd, ports, options=f"""allow=deploy:{USERS["deploy"]}, metrics:{USERS["one"]}
[slotd]
allow=metrics:{USERS["metrics"]}, read:{USERS["read"]}
""" + PROGRAMS)
    daemon = payinv.daemon

    def ctl(who, *arguments):
        return daemon.ctl(*arguments, user=USERS[who], group="nogroup", extra_groups=[])

    def status(who, path):
        return subprocess.run(
            ["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "--unix-socket", daemon.socket,
             f"http://localhost{path}"], user=USERS[who], group="nogroup", extra_groups=[],
            text=True, capture_output=True, timeout=60).stdout

    assert {who: status(who, "/metrics") for who in USERS} == {
        "metrics": "200", "read": "200", "deploy": "200", "one": "200", "none": "403"}
    assert [status("metrics", path) for path in ("/", "/index.html")] == ["403", "403"]
    for command in (["slots"], ["status"], ["history"], ["tail", payinv.worker("a", 0)],
                    ["maintail"], ["swap", "payinv"], ["stop", "all"], ["reload"]):
        done = ctl("metrics", *command)
        assert "read the metrics" in done.stdout + done.stderr or "role" in done.stderr, command
    assert daemon.service("payinv")["live"] == "a"
    assert daemon.info(payinv.worker("a", 0))["statename"] == "RUNNING"
    assert "may read the metrics" in ctl("metrics", "whoami").stdout
    assert "may read the metrics of payinv" in ctl("one", "whoami").stdout

    whole = Metrics(ctl("metrics", "metrics").stdout)
    assert whole.all("slotd_process_up", process="ends") and whole("slotd_slot_live", slot="a") == 1
    for who in ("one", "deploy"):  # the service of the role, and no more
        part = Metrics(ctl(who, "metrics").stdout)
        assert part("slotd_slot_live", slot="a") == 1 and part("slotd_up") == 1
        assert not part.all("slotd_process_up", process="ends")
    refused = ctl("none", "metrics")
    assert refused.returncode == 10 and not refused.stdout and "role metrics" in refused.stderr

    # The recipe for node_exporter.
    place = daemon.dir / "textfile"
    place.mkdir(mode=0o777)
    place.chmod(0o777)
    recipe = [ROOT / "contrib/prometheus/textfile", place]
    program = place / "slotctl"
    program.write_text(f'#!/bin/sh\nexec {SLOTCTL} -c {daemon.config} "$@"\n')
    program.chmod(0o755)
    run = {"env": {**daemon.env, "SLOTCTL": str(program)}, "user": USERS["metrics"],
           "group": "nogroup", "extra_groups": []}
    subprocess.run(recipe, check=True, **run)
    assert Metrics((place / "slotd.prom").read_text())("slotd_up") == 1
    program.write_text("#!/bin/sh\necho half; exit 1\n")
    assert subprocess.run(recipe, **run).returncode == 1
    assert Metrics((place / "slotd.prom").read_text())("slotd_up") == 1
    assert sorted(path.name for path in place.iterdir()) == ["slotctl", "slotd.prom"]


# ---- a thousand workers

THOUSAND = "".join(f"""
[program:pay-{slot}]
command=/bin/sleep 1000
numprocs=500
numprocs_start={start}
process_name=%(program_name)s_%(process_num)d
startsecs=0
stdout_logfile=NONE
stderr_logfile=NONE
""" for slot, start in (("a", 10000), ("b", 11000))) + """
[service:pay]
listen=127.0.0.1:{port}
slot_a=pay-a
slot_b=pay-b
worker=127.0.0.1:%(process_num)d
health=tcp
health_interval=600
"""


def peak(pid):
    """KiB of memory that it has had."""
    with open(f"/proc/{pid}/status") as status:
        return int(re.search(r"VmHWM:\s+(\d+)", status.read())[1])


def asked(daemon, n, path="/ok.html"):
    took = []
    for _ in range(n):
        began = time.monotonic()
        get(daemon, path)
        took.append(time.monotonic() - began)
    return sorted(took)


@pytest.mark.plain_only  # figures, and a thousand workers
def test_a_thousand_workers_take_no_memory_and_keep_nobody_waiting(slotd, ports, record_property):
    daemon = slotd(THOUSAND.replace("{port}", str(ports.one())))
    pid = daemon.helpers("control")[0]
    alone = asked(daemon, 200)
    before = peak(pid)
    m = scrape(daemon)
    assert len(m.all("slotd_process_state")) == 1000 == len(m.all("slotd_worker_healthy"))
    began = time.monotonic()
    for _ in range(10):
        get(daemon, "/metrics")
    took = (time.monotonic() - began) / 10
    assert peak(pid) - before < 2048, "of a page of two megabytes it keeps a piece"
    loop = subprocess.Popen(["sh", "-c", "while curl -sf --unix-socket \"$1\" -o /dev/null "
                             "http://localhost/metrics; do :; done", "sh", str(daemon.socket)])
    try:
        beside = asked(daemon, 200)
    finally:
        loop.kill()
        loop.wait()
    assert beside[100] < 0.1, beside
    # Clients that take nothing of what they asked for cost a piece each, and hold up nobody.
    clients = []
    for _ in range(100):
        clients.append(socket.socket(socket.AF_UNIX))
        clients[-1].connect(str(daemon.socket))
        clients[-1].sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
    asked(daemon, 20)
    assert peak(pid) - before < 100 * 128, peak(pid) - before
    for client in clients:
        client.close()
    assert len(scrape(daemon).all("slotd_process_state")) == 1000
    record_property("figures", f"/metrics of 1000 workers: {len(m.text) / 1e6:.1f} MB, "
                    f"{len(m.samples)} samples in {took * 1000:.0f} ms; another client meanwhile: "
                    f"median {beside[100] * 1000:.1f} ms, worst {beside[-1] * 1000:.0f} ms (alone "
                    f"{alone[100] * 1000:.1f} and {alone[-1] * 1000:.0f} ms)")


# ---- Prometheus itself

@pytest.mark.plain_only
def test_prometheus_scrapes_it_by_the_recipe(slotd, ports, tmp_path):
    port, own = ports.one(), ports.one()
    payinv = Payinv(slotd, ports, options=f"""
[inet_http_server]
port=127.0.0.1:{port}
username=prometheus
password=geheim
""")
    (tmp_path / "password").write_text("geheim")
    text = (ROOT / "contrib/prometheus/prometheus.yml").read_text()
    for old, new in (("127.0.0.1:9001]", f"127.0.0.1:{port}]"), ("15s", "1s"),
                     ("/etc/prometheus/slotd.password", str(tmp_path / "password")),
                     ("- slotd.rules.yml", f"- {ROOT}/contrib/prometheus/slotd.rules.yml")):
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    config = tmp_path / "prometheus.yml"
    config.write_text("global: {evaluation_interval: 1s}\n" + text)
    subprocess.run(["promtool", "check", "config", config], check=True, timeout=60,
                   stdout=subprocess.DEVNULL)
    known = {name for name, _ in scrape(payinv.daemon).samples} | set(re.findall(
        r"# TYPE (\S+) ", scrape(payinv.daemon).text))
    rules = (ROOT / "contrib/prometheus/slotd.rules.yml").read_text()
    assert set(re.findall(r"slotd_\w+", rules)) <= known
    with open(tmp_path / "log", "wb") as log:
        prometheus = subprocess.Popen(
            ["prometheus", f"--config.file={config}", f"--storage.tsdb.path={tmp_path}/data",
             f"--web.listen-address=127.0.0.1:{own}"], stdout=log, stderr=log)
    try:
        def query(text):
            client = http.client.HTTPConnection("127.0.0.1", own, timeout=10)
            try:
                client.request("GET", f"/api/v1/query?query={text}")
                return client.getresponse().read().decode()
            except OSError:
                return ""
            finally:
                client.close()

        def log_text():
            return (tmp_path / "log").read_text()

        wait_for(lambda: '"slot":"a"' in query("slotd_slot_live==1"), log_text)
        payinv.swap()
        wait_for(lambda: '"slot":"b"' in query("slotd_slot_live==1"), log_text)
        payinv.daemon.ctl("pause", "payinv", check=True)
        wait_for(lambda: "ServiceTrouble" in query("ALERTS") and "paused" in query("ALERTS"),
                 log_text)
        assert '"1"]' in query("up")
    finally:
        prometheus.terminate()
        prometheus.wait(30)
