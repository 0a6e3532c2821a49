"""Maintenance: a service that is offline answers a page, a preview reaches the idle slot, and both
are announced."""

import http.client
import json
import os
import re
import socket
import threading
import time

import pytest

from harness.daemon import WARM
from harness.load import once, try_once
from harness.procs import stays, wait_for
from test_services import Payinv

PAGE = "<h1>We are moving house</h1>\n"


OPEN = []


@pytest.fixture(autouse=True)
def close_clients():
    yield
    while OPEN:
        OPEN.pop().close()


def connect(address, timeout=20):
    client = http.client.HTTPConnection(*address, timeout=timeout)
    OPEN.append(client)
    client.connect()
    return client


def ask(client, method="GET", path="/", body=None, **headers):
    """(status, headers, body) of one request on a kept connection."""
    client.request(method, path, body, {k.replace("_", "-"): v for k, v in headers.items()})
    answer = client.getresponse()
    return answer.status, answer.headers, answer.read().decode()


def says_all(address, data, timeout=20):
    """What is answered until the connection ends."""
    with socket.create_connection(address, timeout) as client:
        client.sendall(data)
        got = b""
        try:
            while True:
                piece = client.recv(65536)
                if not piece:
                    return got.decode()
                got += piece
        except ConnectionResetError:
            return got.decode() + "RESET"


def note(payinv):
    return payinv.daemon.service("payinv")["note"]


def status_of(address):
    client = connect(address)
    try:
        return ask(client)[0]
    finally:
        client.close()


def make(slotd, ports, options="", **more):
    payinv = Payinv(slotd, ports, start=False, options="live_file=%D%/live\n" + options, **more)
    (payinv.daemon.dir / "page.html").write_text(PAGE)
    payinv.daemon.start()
    payinv.wait_serving()
    return payinv


def offline(payinv, *why):
    done = payinv.daemon.ctl("offline", "payinv", *why)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "payinv: requests are answered 503 until: slotctl online payinv" in done.stdout


def online(payinv):
    assert "payinv: online" in payinv.daemon.ctl("online", "payinv", check=True).stdout


# ---- what a client sees

def test_every_request_gets_the_page_and_connections_stay(slotd, ports):
    payinv = make(slotd, ports, "offline_page=%D%/page.html\noffline_retry_after=90\n"
                                "[slotd]\nrelays=2\n")
    slow, kept = connect(payinv.address), connect(payinv.address)
    assert ask(kept)[2].startswith("a ")
    slow.request("GET", "/slow?1500")
    wait_for(lambda: payinv.daemon.slot("payinv", "a")["active"] == 1, "it is at the worker")
    began = time.monotonic()
    offline(payinv, "the", "move")
    assert "offline by root: the move: requests are answered 503" in note(payinv)
    for _ in range(2):
        status, headers, body = ask(kept)
        assert (status, body, headers["Retry-After"]) == (503, PAGE, "90")
        assert headers["Content-Type"] == "text/html; charset=utf-8" and headers["Date"]
        assert headers["Content-Length"] == str(len(PAGE)) and "Connection" not in headers
    assert ask(kept, "POST", body="x" * 100000)[:3:2] == (503, PAGE)
    assert ask(kept, "POST", body=iter([b"ab", b"c" * 70000]))[0] == 503, "chunks"
    status, headers, body = ask(kept, "HEAD")
    assert (status, body, headers["Content-Length"]) == (503, "", str(len(PAGE)))
    assert ask(kept, path="/healthz?x=1")[:3:2] == (200, "offline\n")
    assert ask(kept, path="/healthzz")[0] == 503
    slow_answer = slow.getresponse()
    assert slow_answer.read().startswith(b"a ") and time.monotonic() - began > 0.5
    assert ask(slow)[0] == 503, "and the next one of that client"
    online(payinv)
    assert ask(kept)[2].startswith("a ") and ask(slow)[2].startswith("a ") and not note(payinv)


def test_requests_of_every_shape(slotd, ports):
    payinv = make(slotd, ports)
    offline(payinv)
    address = payinv.address
    get = b"GET /%d HTTP/1.1\r\nHost: x\r\n\r\n"
    piped = says_all(address, b"".join(get % i for i in range(40)) +
                     b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert piped.count("HTTP/1.1 503") == piped.count("</html>") == 41
    assert piped.count("Connection: close") == 1 and "Back soon" in piped
    assert says_all(address, b"GET / HTTP/1.0\r\n\r\n").count("HTTP/1.1 503") == 1
    old = says_all(address, b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n" +
                   b"GET / HTTP/1.0\r\n\r\n")
    assert old.count("503") == 2 and old.count("Connection: keep-alive") == 1
    waiting = b"POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n"
    got = says_all(address, waiting)
    assert got.startswith("HTTP/1.1 503") and "Connection: close" in got
    big = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % (3 << 20)
    got = says_all(address, big + b"x" * (3 << 20))
    assert got.startswith("HTTP/1.1 503") and "Connection: close" in got and "RESET" not in got
    for odd in (b"\x16\x03\x01\x02\x00\x01\x00\x01", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
                b"GET / HTTP/1.1\nHost: x\n\n", b"HELO me\r\n\r\n", b"CONNECT x:1 HTTP/1.1\r\n\r\n"):
        assert says_all(address, odd) in ("", "RESET"), odd
    assert says_all(address, b"GET http://x/healthz HTTP/1.1\r\nHost: x\r\n"
                             b"Connection: close\r\n\r\n").startswith("HTTP/1.1 200 OK")


def test_a_client_that_reads_slowly_gets_all_of_a_large_page(slotd, ports):
    payinv = make(slotd, ports, "offline_page=%D%/page.json\n")
    page = "".join(f"{i:07}\n" for i in range(30000))
    (payinv.daemon.dir / "page.json").write_text(page)
    offline(payinv)
    with socket.create_connection(payinv.address, 20) as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" * 5 +
                       b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        time.sleep(0.2)  # its buffers are full by then
        got = b"".join(iter(lambda: client.recv(65536), b"")).decode()
    assert got.count("Content-Type: application/json") == 6 and got.count(page) == 6
    (payinv.daemon.dir / "page.json").write_text("x" * (300 << 10))
    offline(payinv)
    payinv.daemon.wait_log("cannot be read: it has more than 256 KiB; the page that is built in")
    assert "Back soon" in says_all(payinv.address, b"GET / HTTP/1.0\r\n\r\n")


def test_what_is_not_http_is_closed(slotd, ports):
    payinv = make(slotd, ports, "protocol=tcp\n")
    assert once(payinv.address).startswith("a ")
    offline(payinv)
    assert says_all(payinv.address, b"") == ""
    online(payinv)
    assert once(payinv.address).startswith("a ")


def test_who_waits_for_the_server_to_speak_gets_a_worker_when_it_is_online(slotd, ports):
    payinv = make(slotd, ports, "connect=early\n")
    offline(payinv)
    with socket.create_connection(payinv.address, 20) as client:
        assert stays(lambda: payinv.daemon.slot("payinv", "a")["active"] == 0, 0.2)
        online(payinv)
        client.sendall(b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n")
        assert b"\r\n\r\na " in client.makefile("rb").read()


# ---- how long it lasts

def test_it_lasts_over_a_deploy_a_kill_a_reload_and_a_reboot(slotd, ports):
    payinv = make(slotd, ports, "offline_page=%D%/page.html\n")
    daemon = payinv.daemon
    kept = connect(payinv.address)
    ask(kept)
    offline(payinv, "schema", "change")
    done = daemon.ctl("deploy", "payinv", "r2", check=True)
    assert "payinv is offline, and stays so until: slotctl online payinv" in done.stdout
    assert payinv.live() == "b" and ask(kept)[0] == 503
    daemon.kill()
    assert ask(kept)[:3:2] == (503, PAGE)
    daemon.start()
    assert "offline by root: schema change" in note(payinv)
    (daemon.dir / "page.html").write_text("another page")
    daemon.write_config(payinv.config.replace("idle_keep=0", "idle_keep=0\noffline_retry_after=7"))
    daemon.ctl("reload", check=True)
    wait_for(lambda: ask(kept)[2] == "another page", "the reload has read it again")
    assert ask(kept)[1]["Retry-After"] == "7"
    daemon.ctl("stop", "--force", "payinv-b:*", check=True)
    assert ask(kept)[:3:2] == (503, "another page"), "nobody needs to be up"
    assert re.search(r"\boffline\b.*\broot\b.*schema change", daemon.ctl("history").stdout)
    state = json.loads(daemon.read("state/state.json"))
    assert state["services"]["payinv"]["offline"]["why"] == "schema change"
    assert daemon.end() == 0
    daemon.start()
    wait_for(lambda: status_of(payinv.address) == 503, "it is offline after a reboot")
    wait_for(lambda: [t["code"] for t in daemon.service("payinv")["troubles"]] == ["offline"],
             "its workers are well, too")
    online(payinv)
    wait_for(lambda: try_once(payinv.address), "the workers answer")
    again = daemon.ctl("online", "payinv")
    assert again.returncode == 10 and "payinv is not offline" in again.stderr


def test_a_relay_after_a_kill_and_one_after_an_upgrade_answer_as_before(slotd, ports):
    place = ("127.0.0.1", ports.one())
    payinv = make(slotd, ports, f"offline_page=%D%/page.html\npreview_listen=127.0.0.1:{place[1]}\n"
                                "[slotd]\nrelays=1\n")
    offline(payinv)
    os.kill(payinv.daemon.helpers("relay")[0], 9)
    kept, preview = connect(payinv.address), connect(place)
    for _ in range(2):  # before and after an upgrade: the relay of before answers its clients
        assert ask(kept)[:3:2] == (503, PAGE)
        assert "nothing to preview" in ask(preview)[2]
        assert says_all(payinv.address, b"GET / HTTP/1.0\r\n\r\n").endswith(PAGE)
        assert "nothing to preview" in says_all(place, b"GET / HTTP/1.0\r\n\r\n")
        payinv.daemon.ctl("upgrade", check=True)
    payinv.daemon.ctl("start", "payinv-b:*", check=True)
    wait_for(lambda: ask(preview)[2].startswith("b "), "the idle slot is up")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can read what others cannot")
def test_a_link_to_what_the_workers_may_not_read_is_not_answered(slotd, ports):
    payinv = make(slotd, ports, "offline_page=%D%/page.html\n", program="user=nobody\n")
    page, secret = payinv.daemon.dir / "page.html", payinv.daemon.dir / "secret"
    secret.write_text("the key of root")
    secret.chmod(0o600)
    offline(payinv)
    client = connect(payinv.address)
    assert ask(client)[2] == PAGE, "everybody may read that"
    page.unlink()
    page.symlink_to(secret)
    offline(payinv)
    assert "Back soon" in ask(client)[2]
    payinv.daemon.wait_log("page.html cannot be read: Permission denied")


def test_a_service_without_workers_answers_its_page_after_hold_timeout(slotd, ports):
    payinv = make(slotd, ports, "offline_page=%D%/page.html\nhold_timeout=1\n")
    kept = connect(payinv.address)
    ask(kept)
    payinv.daemon.ctl("stop", "--force", "payinv-a:*", check=True)
    began = time.monotonic()
    status, _, body = ask(kept)
    assert (status, body) == (503, PAGE) and time.monotonic() - began > 0.5
    assert ask(kept, path="/healthz")[0] == 503, "a balancer shall go elsewhere"
    payinv.daemon.ctl("start", "payinv-a:*", check=True)
    wait_for(lambda: ask(kept)[0] == 200, "a worker is there again")


# ---- the idle slot

def test_a_preview_reaches_the_idle_slot_and_follows_the_swaps(slotd, ports):
    preview = ports.one()
    place = ("127.0.0.1", preview)
    payinv = make(slotd, ports, f"preview_listen=127.0.0.1:{preview}\nverify=\n"
                  "  wget -q -O %D%/seen http://$SLOTD_PREVIEW/\n")
    daemon = payinv.daemon
    daemon.write_config(payinv.config.replace("idle_keep=0", "idle_keep=60"))
    daemon.ctl("reload", check=True)
    kept = connect(place)
    status, headers, body = ask(kept)
    assert status == 503 and "No worker of the idle slot is up" in body
    assert "Retry-After" not in headers
    assert says_all(place, b"\x16\x03\x01\x02\x00\x01\x00\x01") in ("", "RESET")
    daemon.ctl("deploy", "payinv", "r1", check=True)
    assert daemon.read("seen").startswith("b ") and once(payinv.address).startswith("b ")
    assert ask(kept)[2].startswith("a "), "the slot that was live before"
    assert once(place).startswith("a ")
    slots = {s: daemon.slot("payinv", s) for s in "ab"}
    assert slots["a"]["idle"] == slots["b"]["idle"] == 0, "nobody counts it"
    slow = connect(place)
    slow.request("GET", "/slow?1000")
    payinv.swap()
    assert slow.getresponse().read().startswith(b"a "), "an answer is not cut by a swap"
    assert ask(slow)[2].startswith("b ") and ask(kept)[2].startswith("b ")
    began = time.monotonic()
    payinv.swap()
    wait_for(lambda: daemon.slot("payinv", "a")["state"] == WARM, "it drains at once")
    assert time.monotonic() - began < 10 and ask(kept)[2].startswith("a ")
    offline(payinv)
    assert ask(kept)[2].startswith("a "), "what is offline may be looked at"
    daemon.kill()
    daemon.start()
    assert ask(kept)[2].startswith("a ") and once(place).startswith("a ")
    daemon.ctl("stop", "payinv-a:*", check=True)
    wait_for(lambda: ask(kept)[0] == 503, "none is up")


def test_a_reload_adds_moves_and_removes_a_preview(slotd, ports):
    payinv = make(slotd, ports)
    daemon, place = payinv.daemon, ("127.0.0.1", ports.one())
    plain = payinv.config.replace("idle_keep=0", "idle_keep=60")
    daemon.write_config(plain + f"preview_listen=127.0.0.1:{place[1]}\n")
    daemon.ctl("reload", check=True)
    assert status_of(place) == 503
    payinv.swap()
    assert once(place).startswith("a ")
    daemon.write_config(plain.replace(f"listen=127.0.0.1:{payinv.port}\n",
                                      f"listen=127.0.0.1:{place[1]}\n"
                                      f"preview_listen=127.0.0.1:{payinv.port}\n"))
    daemon.ctl("reload", check=True)
    wait_for(lambda: (try_once(place) or "").startswith("b "), "it is public now")
    wait_for(lambda: (try_once(payinv.address) or "").startswith("a "), "and that the preview")
    daemon.write_config(plain)
    daemon.ctl("reload", check=True)
    with pytest.raises(OSError):
        while True:
            connect(place).close()
    assert once(payinv.address).startswith("b ")


# ---- announcing

ANNOUNCE = """announce=
  echo "$SLOTD_ANNOUNCE $SLOTD_WHO $SLOTD_WHY" >> %D%/told
  wget -q -O - http://127.0.0.1:%(ENV_WHERE)s/ >> %D%/told || echo not there >> %D%/told
  test ! -e %D%/fail
  test ! -e %D%/hang || { echo hangs > %D%/hanging; sleep 600; }
"""


def test_announcements_come_before_and_after(slotd, ports):
    payinv = Payinv(slotd, ports, start=False)
    options = ANNOUNCE.replace("%(ENV_WHERE)s", str(payinv.port)) + "announce_timeout=1\n"
    payinv.daemon.write_config(payinv.config.replace("idle_keep=0\n", "idle_keep=0\n" + options))
    payinv.daemon.start()
    payinv.wait_serving()
    daemon, told = payinv.daemon, payinv.daemon.dir / "told"
    offline(payinv, "for", "a while")
    online(payinv)
    lines = told.read_text().splitlines()
    assert lines[0] == "offline root for a while" and lines[1].startswith("a ")
    assert lines[2] == "online root " and lines[3].startswith("a "), lines
    (daemon.dir / "fail").touch()
    offline(payinv)
    daemon.wait_log("announce of offline failed with exit status 1")
    online(payinv)
    (daemon.dir / "fail").unlink()
    (daemon.dir / "hang").touch()
    began = time.monotonic()
    daemon.ctl("pause", "payinv", check=True)
    assert 0.9 < time.monotonic() - began < 10
    daemon.wait_log("announce of pause took longer than announce_timeout, 1.0 s")
    (daemon.dir / "hang").unlink()
    daemon.ctl("resume", "payinv", check=True)
    assert told.read_text().splitlines()[-2] == "resume root "


def test_a_slotd_killed_while_it_announces_has_done_nothing(slotd, ports):
    payinv = Payinv(slotd, ports, start=False)
    options = ANNOUNCE.replace("%(ENV_WHERE)s", str(payinv.port))
    payinv.daemon.write_config(payinv.config.replace("idle_keep=0\n", "idle_keep=0\n" + options))
    payinv.daemon.start()
    payinv.wait_serving()
    daemon, results = payinv.daemon, []
    (daemon.dir / "hang").touch()
    asking = threading.Thread(target=lambda: results.append(daemon.ctl("offline", "payinv")))
    asking.start()
    wait_for(lambda: (daemon.dir / "hanging").exists(), "it is being announced")
    busy = daemon.ctl("pause", "payinv")
    assert busy.returncode == 12 and "the offline by root is being announced" in busy.stderr
    assert once(payinv.address).startswith("a "), "it has no effect yet"
    daemon.kill()
    daemon.start()
    daemon.wait_log("ending announce commands (pid ")
    asking.join(60)
    assert results and results[0].returncode != 0
    wait_for(lambda: not note(payinv), "all is well")
    assert once(payinv.address).startswith("a ")
    (daemon.dir / "hang").unlink()
    offline(payinv)
    assert status_of(payinv.address) == 503


# ---- a crowd that waits

@pytest.mark.plain_only
def test_a_thousand_that_wait_for_a_resume_are_all_served_each_in_order(slotd, ports):
    payinv = Payinv(slotd, ports, count=4)
    payinv.daemon.ctl("pause", "payinv", check=True)
    wait_for(lambda: payinv.daemon.slot("payinv", "a")["share"] == 0, "it holds")
    clients = []
    began = time.monotonic()
    for i in range(1000):
        client = socket.create_connection(payinv.address, 60)
        client.sendall(b"".join(b"GET /bytes?%d HTTP/1.1\r\nHost: x\r\n%s\r\n" % (
            i + k, b"Connection: close\r\n" if k == 2 else b"") for k in range(3)))
        clients.append(client)
    assert stays(lambda: payinv.daemon.slot("payinv", "a")["active"] == 0,
                 5 - min(4.9, time.monotonic() - began))
    payinv.daemon.ctl("resume", "payinv", check=True)
    for i, client in enumerate(clients):
        with client:
            got = b"".join(iter(lambda: client.recv(65536), b"")).decode()
        lengths = [int(n) for n in re.findall(r"Content-Length: (\d+)", got)]
        assert lengths == [i, i + 1, i + 2] and got.endswith("x" * (i + 2)), f"client {i}: {lengths}"


@pytest.mark.long
def test_slotctl_waits_as_long_as_an_announcement_takes(slotd, ports):
    payinv = Payinv(slotd, ports, count=1, options="announce=sleep 32\nannounce_timeout=60\n")
    done = payinv.daemon.ctl("offline", "payinv", "moving")
    assert (done.returncode, done.stderr) == (0, "")
