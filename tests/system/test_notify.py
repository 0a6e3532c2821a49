"""notify=: people are told of deploys and troubles, once each, in order, also after kill -9."""

import http.server
import json
import os
import subprocess
import threading
from pathlib import Path

import pytest

from harness.paths import ROOT, SLOTCTL
from harness.procs import alive, stays, wait_for
from test_services import Payinv

CONTRIB = ROOT / "contrib/notify"


def told(payinv, name="told"):
    return [json.loads(line) for line in payinv.daemon.read(name).splitlines()]


def events(payinv, name="told"):
    return [n["event"] for n in told(payinv, name)]


class Receiver:
    """A local server that keeps what is posted, and refuses as often as it is told to."""

    def __init__(self, port):
        self.got, self.refuse = [], 0
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                refused = outer.refuse > 0
                outer.refuse -= refused
                if not refused:
                    outer.got.append((self.path, dict(self.headers), body.decode()))
                self.send_response(503 if refused else 200)
                self.end_headers()

            def log_message(self, *args):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join(10)


def test_deploys_and_troubles_are_told_in_order_with_who_and_why(slotd, ports):
    payinv = Payinv(slotd, ports, options="""\
prepare=test ! -e %D%/bad
notify=cat >> %D%/told
[slotd]
notify=cat >> %D%/programs
[program:broken]
command=false
startretries=0
""")
    daemon = payinv.daemon
    daemon.ctl("deploy", "payinv", "r1", check=True)
    daemon.ctl("rollback", "payinv", check=True)
    wait_for(lambda: daemon.slot("payinv", "a")["ready"] == 2, "both are healthy")
    daemon.ctl("restart", "--rolling", "payinv", check=True)
    (daemon.dir / "bad").touch()
    assert daemon.ctl("deploy", "payinv", "r2").returncode == 10
    wait_for(lambda: len(events(payinv)) == 8, "all are told")
    assert events(payinv) == ["deploy-started", "deploy-done", "deploy-started", "rolled-back",
                              "deploy-started", "deploy-done", "deploy-started", "deploy-failed"]
    done, failed = told(payinv)[1], told(payinv)[7]
    assert done["service"] == "payinv" and done["release"] == "r1" and done["who"] == "root"
    assert done["from"] == "a" and done["to"] == "b" and done["kind"] == "deploy"
    assert "b (r1) is live" in done["text"] and done["job"] == 1
    assert failed["step"] == "prepare" and failed["code"] == 10 and "exit status" in failed["why"]
    assert told(payinv)[5]["kind"] == "restart"
    assert len({n["id"] for n in told(payinv)}) == 8
    # A program of no service is told of by [slotd].
    wait_for(lambda: events(payinv, "programs") == ["fatal"], "it is told")
    assert told(payinv, "programs")[0]["worker"] == "broken"
    # Only what is asked for, from the next reload on.
    daemon.write_config(payinv.config.replace(
        "notify=cat >> %D%/told", "notify=cat >> %D%/told\nnotify_on=deploy-failed, fatal"))
    daemon.ctl("reload", check=True)
    (daemon.dir / "told").unlink()
    daemon.ctl("swap", "payinv", check=True)
    assert daemon.ctl("deploy", "payinv", "r3").returncode == 10
    wait_for(lambda: events(payinv) == ["deploy-failed"], "that alone is told")


def test_what_fails_is_tried_again_and_survives_kill_9(slotd, ports):
    port = ports.one()
    payinv = Payinv(slotd, ports, options=f"notify={CONTRIB}/webhook http://127.0.0.1:{port}/x\n")
    daemon = payinv.daemon
    daemon.ctl("swap", "payinv", check=True)  # nobody listens there yet
    daemon.wait_log("notify, deploy-started: exit status 7")
    daemon.wait_log("; again in ")
    daemon.kill()
    daemon.start()
    daemon.wait_log("2 of before the restart are delivered now")
    with Receiver(port) as receiver:
        receiver.refuse = 1
        wait_for(lambda: len(receiver.got) == 2, "both are delivered", 60)
        got = [json.loads(body)["event"] for _, _, body in receiver.got]
        assert got == ["deploy-started", "deploy-done"]
        assert receiver.got[0][1]["Content-Type"] == "application/json"
        # A command that runs when slotd is killed is ended, and run again.
        assert not stays(lambda: len(receiver.got) > 2, 0.2)


def test_a_command_that_hangs_is_killed_with_its_slotd_and_run_again(slotd, ports):
    payinv = Payinv(slotd, ports, options="notify=echo x >> %D%/begun; test -e %D%/go || exec sleep 1000\n"
                                          "notify_on=deploy-done\n")
    daemon = payinv.daemon
    daemon.ctl("swap", "payinv", check=True)
    wait_for(lambda: daemon.read("begun") == "x\n", "it runs")
    daemon.kill()
    (daemon.dir / "go").touch()
    daemon.start()
    daemon.wait_log("ending a notify command")
    wait_for(lambda: daemon.read("begun") == "x\nx\n", "it runs again")
    assert stays(lambda: daemon.read("begun") == "x\nx\n", 0.3)


def test_notify_test_says_what_came_of_it(slotd, ports):
    payinv = Payinv(slotd, ports, options="""\
notify=cat > %D%/test; echo "hello $SLOTD_EVENT"; id -un >> %D%/user; exit $(cat %D%/code)
""")
    daemon = payinv.daemon
    (daemon.dir / "code").write_text("0")
    done = daemon.ctl("notify", "--test", "payinv")
    assert done.returncode == 0 and "exit status 0; it printed: hello test" in done.stdout
    body = json.loads(daemon.read("test"))
    assert body["event"] == "test" and body["text"] == "payinv: a test by root"
    (daemon.dir / "code").write_text("3")
    done = daemon.ctl("notify", "--test", "payinv")
    assert done.returncode == 10 and "exit status 3" in done.stderr, done
    assert daemon.ctl("notify", "payinv").returncode == 2
    daemon.write_config(payinv.config.replace("notify=", "#notify="))
    daemon.ctl("reload", check=True)
    done = daemon.ctl("notify", "--test", "payinv")
    assert done.returncode != 0 and "there is no notify= in [service:payinv]" in done.stderr
    daemon.write_config(payinv.config.replace("notify=", "notify_on=deploy\nnotify="))
    done = daemon.ctl("reload")
    assert done.returncode != 0 and "notify_on" in done.stdout + done.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="another user needs root")
def test_recipes_reach_a_local_receiver_as_notify_user(slotd, ports):
    port = ports.one()
    mailer = "#!/bin/sh\n{ echo \"$@\"; cat; } > MAIL\n"
    payinv = Payinv(slotd, ports, start=False)
    daemon = payinv.daemon
    sendmail = daemon.dir / "sendmail"
    sendmail.write_text(mailer.replace("MAIL", str(daemon.dir / "out/mail")))
    sendmail.chmod(0o755)
    (daemon.dir / "out").mkdir()
    os.chmod(daemon.dir / "out", 0o777)
    recipes = {
        "ntfy": f"{CONTRIB}/ntfy http://127.0.0.1:{port}/topic",
        "slack": f"{CONTRIB}/slack http://127.0.0.1:{port}/slack",
        "webhook": f"{CONTRIB}/webhook http://127.0.0.1:{port}/hook",
        "mail": f"SENDMAIL={sendmail} {CONTRIB}/mail ops@example.org dev@example.org",
    }
    every = "; ".join(f"({command}) < %D%/body || exit 1" for command in recipes.values())
    daemon.write_config(payinv.config.replace(
        "live_file=", f"notify=id -un > %D%/out/user; cat > %D%/out/body; "
        f"{every.replace('%D%/body', '%D%/out/body')}\nnotify_user=nobody\nlive_file="))
    daemon.start()
    payinv.wait_serving()
    with Receiver(port) as receiver:
        done = daemon.ctl("notify", "--test", "payinv")
        assert done.returncode == 0, done.stdout + done.stderr
    got = {path: (headers, body) for path, headers, body in receiver.got}
    text = "payinv: a test by root"
    assert got["/topic"][1] == text and got["/topic"][0]["Title"] == "slotd: test"
    assert json.loads(got["/slack"][1]) == {"text": text}
    assert json.loads(got["/hook"][1])["text"] == text
    mail = daemon.read("out/mail")
    assert mail.startswith("-t -i\nTo: ops@example.org, dev@example.org\nSubject: slotd: test payinv\n")
    assert text in mail and '"event":"test"' in mail
    assert daemon.read("out/user") == "nobody\n"


def test_the_command_of_a_test_ends_with_its_slotd(slotd, ports):
    daemon = Payinv(slotd, ports, count=1, options="""\
notify=echo $$ > %D%/pid; exec sleep 600
notify_timeout=600
""").daemon
    keep, = daemon.helpers("keep")
    asked = subprocess.Popen([str(SLOTCTL), "-c", str(daemon.config), "notify", "--test", "payinv"],
                             stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                             stderr=subprocess.DEVNULL, cwd=daemon.dir)
    pid = int(wait_for(lambda: daemon.read("pid").strip(), "the command runs"))
    wait_for(lambda: any(f"Pid:\t{pid}\n" in info.read_text()
                         for info in Path(f"/proc/{keep}/fdinfo").iterdir()), "slotd-keep has it")
    daemon.kill()
    daemon.start()
    assert asked.wait(60) != 0
    wait_for(lambda: not alive(pid), "the command is ended")
