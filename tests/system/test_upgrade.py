"""slotctl upgrade: another slotd in the same process; workers and connections go on."""

import os
import shutil
import signal
import socket
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import mkdtemp

import pytest

from harness import procs
from harness.apps import two_slots
from harness.load import Load
from harness.paths import BUILD
from harness.procs import wait_for

SLEEPER = "[program:{0}]\ncommand=sleep 1000\nstartsecs=0\n{1}\n"
HELPERS = ("spawn", "keep", "log", "relay", "probe", "control")


@pytest.fixture
def programs(tmp_path):
    """slotd and its helpers, to be replaced by others."""
    for folder in ("supervisor", *HELPERS):
        (tmp_path / folder).mkdir()
    shutil.copy(BUILD / "src/supervisor/slotd", tmp_path / "supervisor/slotd")
    for name in HELPERS:
        shutil.copy(BUILD / f"src/{name}/slotd-{name}", tmp_path / name / f"slotd-{name}")
    for path in (tmp_path, *tmp_path.parents):
        if path.stat().st_uid == os.geteuid():
            path.chmod(path.stat().st_mode | 0o055)
    return tmp_path


def install(programs, name="supervisor/slotd"):
    """Another file at the path, as from a package."""
    new = programs / "new"
    shutil.copy(programs / name, new)
    new.rename(programs / name)


def started(slotd, programs, config, **options):
    daemon = slotd(config, start=False, **options)
    daemon.program = programs / "supervisor/slotd"
    daemon.start()
    return daemon


def pids(daemon):
    return {f"{i['group']}:{i['name']}": (i["pid"], i["start"])
            for i in daemon.rpc.supervisor.getAllProcessInfo()}


def upgrade(daemon, status=0):
    before = {name: daemon.helpers(name) for name in HELPERS}
    done = daemon.ctl("upgrade", "--force")
    assert done.returncode == status, done.stdout + done.stderr + daemon.log()
    return before, done


def test_everything_goes_on(slotd, ports, programs):
    config = two_slots("payinv", f"127.0.0.1:{ports.one()}", ports.run(2), ports.run(2),
                       options="idle_keep=600\n")
    daemon = started(slotd, programs, config)
    for name in pids(daemon):
        if name.startswith("payinv-a"):
            daemon.wait_state(name, "RUNNING")
    address = ("127.0.0.1", int(daemon.service("payinv")["listens"][0].split(":")[1]))
    before, pid = pids(daemon), daemon.pid
    with Load(address, clients=4, rate=40) as fresh, \
            Load(address, clients=8, rate=20, keep_alive=True) as kept:
        wait_for(lambda: len(kept.requests) > 50, "load runs")
        for n in range(1, 4):
            assert daemon.ctl("upgrade", check=True).stdout == "slotd is up to date\n"
            install(programs)
            helpers = {name: daemon.helpers(name) for name in HELPERS}
            done = daemon.ctl("upgrade", check=True)
            assert done.stdout.startswith("Upgraded to version ")
            assert pids(daemon) == before and daemon.process.poll() is None
            assert daemon.status()["daemon"]["upgrades"] == n
            wait_for(lambda old=helpers: not any(
                set(old[name]) & set(daemon.helpers(name)) for name in HELPERS if name != "relay"),
                "the other helpers are new")
            at = len(fresh.requests), len(kept.requests)
            wait_for(lambda at=at: len(fresh.requests) > at[0] + 100
                     and len(kept.requests) > at[1] + 100, "the load goes on")
            daemon.ctl("swap", "payinv", check=True)
            before = pids(daemon)
        relays = daemon.helpers("relay")
    assert not fresh.failed() and not kept.failed(), (fresh.failed()[:3], kept.failed()[:3])
    assert kept.closed == 0
    wait_for(lambda: len(daemon.helpers("relay")) < len(relays), "old relays end")
    assert daemon.pid == pid and daemon.end() == 0


def test_a_worker_of_before_is_still_slotds_child(slotd, programs):
    daemon = started(slotd, programs, SLEEPER.format("one", "autorestart=false\n"))
    one = daemon.wait_state("one", "RUNNING")["pid"]
    upgrade(daemon)
    assert daemon.info("one")["pid"] == one
    os.kill(one, signal.SIGTERM)
    daemon.wait_state("one", "EXITED")
    daemon.wait_log("exited: one (terminated by SIGTERM; not expected)")
    assert not os.path.exists(f"/proc/{one}")


@pytest.mark.parametrize("content", ["#!/bin/sh\necho 'Error: of another machine'\nexit 1\n",
                                     "rubbish", None])
def test_one_that_cannot_take_over_is_not_executed(slotd, programs, content):
    daemon = started(slotd, programs, SLEEPER.format("one", ""))
    one = daemon.wait_state("one", "RUNNING")["pid"]
    (programs / "supervisor/slotd").unlink()
    if content:
        (programs / "supervisor/slotd").write_text(content)
        (programs / "supervisor/slotd").chmod(0o755)
    helpers, done = upgrade(daemon, status=10)
    assert "cannot take over: " in done.stderr + done.stdout
    assert "nothing has changed" in done.stderr + done.stdout
    assert "#!" not in (content or "") or "of another machine" in done.stderr + done.stdout
    assert daemon.info("one")["pid"] == one and daemon.status()["daemon"]["upgrades"] == 0
    assert helpers == {name: daemon.helpers(name) for name in HELPERS}


def test_if_it_does_not_come_up_the_one_before_goes_on(slotd, programs, tmp_path_factory):
    before = tmp_path_factory.mktemp("before")
    daemon = started(slotd, programs, SLEEPER.format("one", ""))
    one = daemon.wait_state("one", "RUNNING")["pid"]
    # the one that runs finds its helpers where it has gone; the other one finds none
    for name in ("supervisor", *HELPERS):
        (programs / name).rename(before / name)
    (programs / "supervisor").mkdir()
    shutil.copy(before / "supervisor/slotd", programs / "supervisor/slotd")
    for path in (before, *before.parents):
        if path.stat().st_uid == os.geteuid():
            path.chmod(path.stat().st_mode | 0o055)
    _, done = upgrade(daemon, status=10)
    assert "NOT upgraded" in done.stderr and "helper programs" in done.stderr
    assert daemon.info("one")["pid"] == one and procs.alive(one)
    daemon.ctl("restart", "one", check=True)
    assert daemon.end() == 0


def test_an_edited_configuration_is_applied_first(slotd, programs):
    daemon = started(slotd, programs, SLEEPER.format("one", ""))
    daemon.config.write_text(daemon.config.read_text() + SLEEPER.format("two", ""))
    _, done = upgrade(daemon, status=10)
    assert "slotctl reload" in done.stdout + done.stderr
    daemon.ctl("reload", check=True)
    upgrade(daemon)
    daemon.wait_state("two", "RUNNING")


def test_not_in_the_middle_of_a_deploy(slotd, ports, programs):
    config = two_slots("payinv", f"127.0.0.1:{ports.one()}", ports.run(1), ports.run(1),
                       options="prepare=sleep 1000\n")
    daemon = started(slotd, programs, config)
    daemon.rpc.slotd.deploy("payinv")
    _, done = upgrade(daemon, status=12)
    assert "slotctl abort payinv" in done.stdout + done.stderr
    daemon.ctl("abort", "payinv", check=True)
    wait_for(lambda: daemon.ctl("upgrade", "--force").returncode == 0, "then it is done")


def test_a_kill_after_an_upgrade_loses_no_connection(slotd, ports, programs):
    """A relay that retires is taken over by the next slotd, too."""
    port = ports.one()
    config = two_slots("payinv", f"127.0.0.1:{port}", ports.run(2), ports.run(2))
    daemon = started(slotd, programs, config)
    wait_for(lambda: daemon.slot("payinv", "a")["ready"] == 2, "it serves")
    client = socket.create_connection(("127.0.0.1", port), 20)

    def ask():
        client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        return client.recv(1 << 16)

    assert ask().startswith(b"HTTP/1.1 200")
    old = upgrade(daemon)[0]["relay"]
    assert ask().startswith(b"HTTP/1.1 200")
    daemon.kill()
    daemon.start()
    assert ask().startswith(b"HTTP/1.1 200")
    assert sum(procs.alive(pid) for pid in old) == 1, "the one with the connection"
    client.close()
    wait_for(lambda: not any(map(procs.alive, old)), "it has ended with its last connection")
    assert daemon.end() == 0


def test_the_slotd_keep_of_before_stays_until_the_next_one_holds_all(slotd, programs):
    """Whenever slotd is killed, there is one to ask."""
    daemon = started(slotd, programs, SLEEPER.format("one", ""))
    one = daemon.wait_state("one", "RUNNING")["pid"]
    keep = programs / "keep/slotd-keep"
    keep.unlink()
    keep.write_text("#!/bin/sh\nexec cat <&3 >/dev/null\n")  # never ready; ends with slotd
    keep.chmod(0o755)
    before, _ = upgrade(daemon)
    daemon.wait_log("upgraded: this is version")
    # What stands in for the next one has its name until it has become cat.
    wait_for(lambda: daemon.helpers("keep") == before["keep"], "the former one alone stays")
    daemon.kill()
    keep.unlink()
    shutil.copy(BUILD / "src/keep/slotd-keep", keep)
    daemon.start()
    assert daemon.info("one")["pid"] == one and procs.alive(before["keep"][0])
    upgrade(daemon)
    wait_for(lambda: daemon.helpers("keep") and not procs.alive(before["keep"][0]),
             "another has taken over")
    daemon.kill()
    daemon.start()
    assert daemon.info("one")["pid"] == one
    assert daemon.end() == 0


def test_who_waits_for_an_upgrade_is_told_that_slotd_was_killed(slotd, programs):
    daemon = started(slotd, programs, SLEEPER.format("one", ""))
    one = daemon.wait_state("one", "RUNNING")["pid"]
    path, real, asked = programs / "supervisor/slotd", programs / "supervisor/real", programs / "asked"
    shutil.copy(path, real)
    path.unlink()
    path.write_text(f"#!/bin/sh\n[ -e {asked} ] && exec sleep 1000\n: > {asked}; exec {real} \"$@\"\n")
    path.chmod(0o755)
    with ThreadPoolExecutor() as pool:
        done = pool.submit(daemon.ctl, "upgrade", "--force")
        wait_for(lambda: procs.stat(daemon.pid)[0] == "sleep", "it was executed, and hangs")
        before = daemon.pid
        daemon.kill()
        real.rename(path)
        daemon.start()
        done = done.result(timeout=10)
    assert done.returncode == 10
    assert f"slotd (pid {before}) ended during the upgrade" in done.stderr
    assert f"(pid {daemon.pid}, version" in done.stderr
    assert daemon.info("one")["pid"] == one


def test_it_goes_on_in_the_directories_of_the_one_before(slotd, programs, tmp_path_factory):
    """Elsewhere it would find nobody who holds what runs, and start all of it once more."""
    daemon = started(slotd, programs, SLEEPER.format("one", ""))
    one, other = daemon.wait_state("one", "RUNNING")["pid"], tmp_path_factory.mktemp("other")
    helpers = {name: daemon.helpers(name) for name in ("keep", "log")}
    text = daemon.config.read_text()
    daemon.config.write_text(text.replace(f"{daemon.dir}/state", f"{other}/state")
                             .replace(f"run_dir={daemon.dir}", f"run_dir={other}"))
    assert daemon.config.read_text() != text
    for n in (1, 2):
        daemon.ctl("reload", check=True)
        upgrade(daemon)
        assert daemon.status()["daemon"]["upgrades"] == n
        assert daemon.info("one")["pid"] == one
        assert "one" in daemon.ctl("status", check=True).stdout
    assert len(daemon.helpers("keep")) == len(daemon.helpers("log")) == 1, helpers
    daemon.ctl("restart", "one", check=True)
    assert daemon.info("one")["pid"] != one and not procs.alive(one)
    assert not list(other.iterdir())


@pytest.mark.skipif(os.geteuid() != 0, reason="only root starts slotd as another user")
def test_what_has_its_default_in_a_directory_stays_there_under_another_user(programs):
    """The second slotd is no root any more, and would have its defaults elsewhere."""
    base = Path(mkdtemp(prefix="slotd-"))  # short, for paths of sockets
    base.chmod(0o755)
    dirs = {name: base / name for name in ("state", "run", "log")}
    for path in dirs.values():
        path.mkdir()
    conf = programs / "slotd.conf"
    conf.write_text("[slotd]\nuser=nobody\n" + SLEEPER.format("one", ""))
    env = {**os.environ, "STATE_DIRECTORY": str(dirs["state"]), "RUNTIME_DIRECTORY": str(dirs["run"]),
           "LOGS_DIRECTORY": str(dirs["log"])}
    log, pidfile = dirs["log"] / "slotd.log", dirs["run"] / "slotd.pid"

    def ctl(*args):
        return subprocess.run([BUILD / "src/ctl/slotctl", "-s", f"unix://{dirs['run']}/slotd.sock", *args],
                              capture_output=True, text=True, timeout=60)

    def status():
        return ctl("status", "one").stdout.split("uptime")[0]

    with subprocess.Popen([programs / "supervisor/slotd", "-n", "-c", conf], env=env,
                          stdout=subprocess.DEVNULL) as slotd:
        try:
            wait_for(lambda: "RUNNING" in status(), "it runs")
            before = status()
            assert ctl("upgrade", "--force").returncode == 0
            assert status() == before
            assert ctl("reload").returncode == 0
            wait_for(lambda: "the configuration was reloaded" in log.read_text(), "it is logged")
            assert int(pidfile.read_text()) == slotd.pid
        finally:
            slotd.terminate()
    assert slotd.returncode == 0 and not pidfile.exists()
    shutil.rmtree(base)
