"""Names in the file system: what slotd did not make stays, what it made comes back."""

import os
import shutil
import signal
import socket
import stat
import subprocess

import pytest

from harness.apps import service, web_slot
from harness.paths import SLOTCTL, SLOTD
from harness.procs import sleeps, stays, wait_for, wakeups
from test_fcgi import SERVER, ask

SLEEPER = "[program:web]\ncommand=sleep 1000\nstartsecs=0\n"
root = pytest.mark.skipif(os.geteuid() != 0, reason="only root makes devices")


def kind_of(path):
    return stat.S_IFMT(os.lstat(path).st_mode)


def listens(path):
    with socket.socket(socket.AF_UNIX) as client:
        return client.connect_ex(str(path)) == 0


# ---- the pid file

def harmless(daemon):
    """How to start it where a fault would remove names of the machine: as a user who cannot."""
    if os.geteuid() != 0:
        return {}
    for path in [daemon.dir, *daemon.dir.rglob("*")]:
        os.chown(path, 65534, 65534, follow_symlinks=False)
    return {"user": 65534, "group": 65534, "extra_groups": []}


def run_once(daemon, *args, **popen):
    daemon.start(*args, **popen)
    assert daemon.end() == 0
    return daemon.log()


@root
def test_a_device_as_pidfile_stays_what_it_is(slotd):
    daemon = slotd(start=False)
    null = daemon.dir / "null"
    os.mknod(null, 0o666 | stat.S_IFCHR, os.makedev(1, 3))
    assert f"could not write pidfile {null}: {null} is not a regular file" in run_once(
        daemon, "-j", str(null))
    assert kind_of(null) == stat.S_IFCHR


def test_the_null_device_as_pidfile_means_none(slotd):
    daemon = slotd(start=False)
    said = run_once(daemon, "-j", "/dev/null", **harmless(daemon))
    assert "no pidfile is written" in said and "could not" not in said


def test_a_pipe_as_pidfile_holds_nobody_up(slotd):
    daemon = slotd(start=False)
    os.mkfifo(daemon.dir / "pipe")
    run_once(daemon, "-j", str(daemon.dir / "pipe"))
    assert kind_of(daemon.dir / "pipe") == stat.S_IFIFO


@pytest.mark.parametrize("name", ["/dev/stdout", "/proc/self/fd/1", "link"])
def test_the_file_behind_stdout_is_no_pidfile(slotd, name):
    """Its output went before, so a truncation would show; the test's stdout is slotd's stderr."""
    daemon = slotd(start=False)
    (daemon.dir / "stderr").write_text("first\n")
    if name == "link":
        name = str(daemon.dir / "link")
        os.symlink("/dev/stdout", name)
    run_once(daemon, "-j", name, **harmless(daemon))
    assert daemon.stderr().startswith("first\n")
    assert os.path.islink(name)


def test_a_pidfile_behind_a_link_is_written_there_and_the_link_stays(slotd):
    daemon = slotd(start=False)
    os.symlink("real.pid", daemon.dir / "link")
    daemon.start("-j", str(daemon.dir / "link"))
    assert daemon.read("real.pid") == f"{daemon.pid}\n"
    assert daemon.end() == 0
    assert os.path.islink(daemon.dir / "link") and not (daemon.dir / "real.pid").exists()


def test_a_stale_pidfile_is_taken_over_and_removed(slotd):
    daemon = slotd(start=False)
    (daemon.dir / "slotd.pid").write_text("4194399 and some more\n")
    daemon.start()
    assert daemon.read("slotd.pid") == f"{daemon.pid}\n"
    assert daemon.end() == 0
    assert not (daemon.dir / "slotd.pid").exists()


@pytest.mark.parametrize("how", ["replaced", "rewritten"])
def test_a_pidfile_that_is_another_ones_now_stays(slotd, how):
    daemon = slotd(SLEEPER)
    path = daemon.dir / "slotd.pid"
    if how == "replaced":
        (daemon.dir / "new").write_text("1\n")
        os.rename(daemon.dir / "new", path)
        daemon.wait_log(f"{path} belongs to another process now")
    else:
        path.write_text("1\n")
    assert daemon.end() == 0
    assert path.read_text() == "1\n"


def test_another_pidfile_in_a_reloaded_file_is_not_removed(slotd):
    """The option is read at the start only: the other path is not slotd's."""
    daemon = slotd(SLEEPER)
    (daemon.dir / "other.pid").write_text("1\n")
    daemon.write_config(daemon.config.read_text().replace("slotd.pid", "other.pid"), head=False)
    daemon.ctl("reload", check=True)
    assert daemon.end() == 0
    assert daemon.read("other.pid") == "1\n" and not (daemon.dir / "slotd.pid").exists()


def test_slotctls_history_is_kept_in_files_only(slotd):
    daemon = slotd("[supervisorctl]\nhistory_file=%D%/history\n")
    os.mkfifo(daemon.dir / "history")
    ours, theirs = os.openpty()
    with subprocess.Popen([str(SLOTCTL), "-c", str(daemon.config)], stdin=theirs, stdout=theirs,
                          stderr=subprocess.PIPE, text=True, env={**os.environ, "TERM": "dumb"},
                          start_new_session=True) as client:
        os.close(theirs)
        os.write(ours, b"pid\nquit\n")
        try:
            said = client.communicate(timeout=20)[1]
        finally:
            client.kill()  # of use where it waits
    assert client.returncode == 0
    os.close(ours)
    assert kind_of(daemon.dir / "history") == stat.S_IFIFO and "history" not in said


# ---- sockets

@pytest.mark.parametrize("kind", ["file", "pipe"])
def test_what_is_no_socket_is_not_replaced_by_one(slotd, kind):
    daemon = slotd("[unix_http_server]\nfile=%D%/precious\n", start=False)
    path = daemon.dir / "precious"
    if kind == "file":
        path.write_text("text")
    else:
        os.mkfifo(path)
    before = kind_of(path)
    done = subprocess.run([str(SLOTD), "-n", "-c", str(daemon.config)], cwd=daemon.dir,
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert f"{path} exists, but is not a socket: remove it" in done.stderr
    assert kind_of(path) == before


def test_a_socket_that_cannot_be_given_away_is_said_as_by_supervisor(slotd):
    daemon = slotd("[unix_http_server]\nfile=%D%/http.sock\nchown=root\n", start=False)
    user = harmless(daemon) or {"user": os.geteuid()}
    done = subprocess.run([str(SLOTD), "-n", "-c", str(daemon.config)], cwd=daemon.dir,
                          capture_output=True, text=True, timeout=60, **user)
    assert done.returncode == 2
    assert f"Error: Not permitted to chown {daemon.dir}/http.sock to uid/gid (0, " in done.stderr
    assert not (daemon.dir / "http.sock").exists()


def test_a_socket_that_is_another_ones_now_stays_at_the_end(slotd):
    daemon = slotd("[unix_http_server]\nfile=%D%/http.sock\n")
    path = daemon.dir / "http.sock"
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(f"{path}.new")
        other.listen()
        os.rename(f"{path}.new", path)
        daemon.wait_log(f"{path} was removed or replaced, and cannot be made again: unix:{path} is held by another process")
        assert daemon.end() == 0
        assert listens(path)


def test_a_killed_slotds_sockets_and_pidfile_are_taken_over(slotd):
    daemon = slotd("[unix_http_server]\nfile=%D%/http.sock\n")
    daemon.kill()
    daemon.start(wait=False)
    daemon.wait_log(f"supervisord started with pid {daemon.pid}")
    assert listens(daemon.dir / "http.sock")
    assert daemon.read("slotd.pid") == f"{daemon.pid}\n"
    assert daemon.end() == 0
    left = {path.name for path in daemon.dir.rglob("*") if path.is_socket()}
    assert not left and not (daemon.dir / "slotd.pid").exists()


# ---- names that go away

SOCKETS = ["run/slotd.sock", "run/keep.sock", "http.sock"]


@pytest.mark.parametrize("how", [os.unlink, lambda path: os.rename(path, f"{path}.gone")],
                         ids=["removed", "renamed"])
def test_control_sockets_and_the_pidfile_come_back(slotd, how):
    daemon = slotd("[unix_http_server]\nfile=%D%/http.sock\nchmod=0640\n")
    for name in SOCKETS:
        how(str(daemon.dir / name))
        wait_for(lambda: (daemon.dir / name).exists(), f"{name} is there again")
        assert listens(daemon.dir / name) or name == "run/keep.sock"
    how(str(daemon.dir / "slotd.pid"))
    wait_for(lambda: daemon.read("slotd.pid") == f"{daemon.pid}\n", "the pid file is there again")
    assert stat.S_IMODE(os.stat(daemon.dir / "http.sock").st_mode) == 0o640
    daemon.wait_ready()
    wait_for(lambda: daemon.log().count("was removed, and has been made again") == 4, "each is said")
    assert daemon.end() == 0
    assert not any((daemon.dir / name).exists() for name in [*SOCKETS, "slotd.pid"])


@root
def test_a_user_who_may_not_read_a_socket_has_it_watched_too(slotd):
    daemon = slotd("[unix_http_server]\nfile=%D%/http.sock\nchmod=0300\n", start=False)
    daemon.start(**harmless(daemon))
    os.unlink(daemon.dir / "http.sock")
    wait_for(lambda: listens(daemon.dir / "http.sock"), "it is there again")


@pytest.mark.parametrize("how", [shutil.rmtree, lambda path: os.rename(path, f"{path}.gone")],
                         ids=["removed", "renamed"])
def test_a_run_directory_comes_back_without_a_reload(slotd, how):
    daemon = slotd(SLEEPER)
    how(str(daemon.dir / "run"))
    daemon.wait_log("slotd.sock was removed, and has been made again")
    daemon.wait_ready()


def test_a_socket_waits_for_its_directory_and_comes_back(slotd):
    daemon = slotd("[unix_http_server]\nfile=%D%/sockets/http.sock\n", start=False)
    (daemon.dir / "sockets").mkdir()
    daemon.start()
    shutil.rmtree(daemon.dir / "sockets")
    daemon.wait_log("No such file or directory; trying again every 5 s")
    (daemon.dir / "sockets").mkdir()
    wait_for(lambda: listens(daemon.dir / "sockets/http.sock"), "it is there again")


def get(path):
    """The answer of a service on a unix socket; "" while there is none."""
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(10)
        try:
            client.connect(str(path))
            client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            return client.makefile("rb").read().decode()
        except OSError:
            return ""


def on_socket(ports, name, listen):
    a, b = ports.one(), ports.one()
    return (web_slot(f"{name}-a", [a], "a") + web_slot(f"{name}-b", [b], "b")
            + service(name, listen, "socket_mode=0666\n"))


def test_a_services_public_socket_comes_back(slotd, ports):
    daemon = slotd(on_socket(ports, "s", "unix:%D%/public.sock"))
    path = daemon.dir / "public.sock"
    wait_for(lambda: "200" in get(path), "it serves")
    with socket.socket(socket.AF_UNIX) as waiting:
        waiting.settimeout(20)
        waiting.connect(str(path))
        for _ in range(3):
            os.unlink(path)
            wait_for(lambda: "200" in get(path), "it serves again")
        waiting.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")  # who came by the first one is served
        assert b"200" in waiting.recv(1000)
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o666
    os.kill(daemon.helpers("relay")[0], signal.SIGKILL)  # a fresh one is told of the newest
    wait_for(lambda: "200" in get(path), "it serves after a crash")
    assert daemon.end() == 0
    assert not path.exists()


def backlog_of(path):
    """As ss(8) shows it for one that listens."""
    lines = subprocess.run(["ss", "-xlH"], capture_output=True, text=True, check=True).stdout
    return next(line.split()[3] for line in lines.splitlines() if str(path) in line)


@pytest.mark.parametrize("how", ["a reload", "another slotd"])
def test_a_public_socket_has_the_mode_owner_and_backlog_of_the_file(slotd, ports, how):
    config = on_socket(ports, "s", "unix:%D%/public.sock")
    owner = "nobody" if os.geteuid() == 0 else ""
    daemon = slotd(config)
    path = daemon.dir / "public.sock"
    wait_for(lambda: "200" in get(path), "it serves")
    before = path.stat()

    def apply(text):
        daemon.write_config(text)
        if how == "a reload":
            daemon.ctl("reload", check=True)
        else:
            daemon.kill()
            daemon.start()

    apply(config.replace("socket_mode=0666", "socket_mode=0640\nbacklog=77\n"
                         + (f"socket_owner={owner}" if owner else "")))
    after = path.stat()
    assert stat.S_IMODE(after.st_mode) == 0o640 and after.st_ino == before.st_ino
    assert after.st_uid == (65534 if owner else before.st_uid)
    if shutil.which("ss"):
        assert backlog_of(path) == "77"
    apply(config)
    after = path.stat()
    assert (after.st_mode, after.st_uid, after.st_gid) == (before.st_mode, before.st_uid,
                                                            before.st_gid)
    wait_for(lambda: "200" in get(path), "it still serves")


def test_a_socket_that_moves_to_another_service_keeps_its_name(slotd, ports):
    daemon = slotd(on_socket(ports, "s", "unix:%D%/public.sock"))
    path = daemon.dir / "public.sock"
    wait_for(lambda: "200" in get(path), "it serves")
    daemon.write_config(on_socket(ports, "t", "unix:%D%/public.sock"))
    daemon.ctl("reload", "--force", check=True)
    wait_for(lambda: "200" in get(path), "the other serves")
    os.unlink(path)
    wait_for(lambda: "200" in get(path), "it comes back for the other, too")


def test_a_refused_reload_leaves_no_socket_behind(slotd, ports):
    daemon = slotd(on_socket(ports, "s", "unix:%D%/public.sock"))
    with socket.create_server(("127.0.0.1", ports.one())) as taken:
        address = "%s:%d" % taken.getsockname()
        daemon.write_config(daemon.config.read_text().replace(
            "/public.sock", f"/public.sock unix:{daemon.dir}/more.sock {address}"), head=False)
        assert daemon.ctl("reload").returncode != 0
    assert not (daemon.dir / "more.sock").exists()


def test_an_fcgi_socket_comes_back_and_its_processes_accept_on_it(slotd):
    daemon = slotd("""
[fcgi-program:app]
command=/usr/bin/python3 -I -S %D%/server.py
socket=unix://%D%/app.sock
process_name=%(program_name)s_%(process_num)d
numprocs=2
startsecs=0
autostart=false
""")
    (daemon.dir / "server.py").write_text(SERVER)
    path = str(daemon.dir / "app.sock")
    daemon.ctl("start", "app:*", check=True)
    before = {daemon.info(f"app:app_{n}")["pid"] for n in range(2)}
    assert ask(path) in before
    os.unlink(path)

    def answered():
        try:
            return ask(path) not in before
        except (OSError, ValueError):
            return False

    wait_for(answered, "new processes answer")
    wait_for(lambda: not before & {daemon.info(f"app:app_{n}")["pid"] for n in range(2)},
             "both are new")
    assert "Closing socket" not in daemon.log()  # clients wait in the queue of the new one


def test_neighbours_in_the_same_directory_wake_nobody(slotd):
    """A socket in /tmp is among files of others that come and go."""
    daemon = slotd("[unix_http_server]\nfile=%D%/http.sock\n")
    wait_for(lambda: sleeps(daemon.pid, 1), "slotd is idle")
    settled = wakeups(daemon.pid)
    for i in range(200):
        (daemon.dir / f"file{i}").touch()
        os.unlink(daemon.dir / f"file{i}")
    assert stays(lambda: wakeups(daemon.pid) == settled, 0.3)


# ---- AUTO logs

def auto_log(daemon, name="web-stdout"):
    found = list((daemon.dir / "log").glob(f"{name}---*.log"))
    return found[0] if found else None


def test_auto_logs_of_a_former_run_are_removed(slotd):
    daemon = slotd("[program:web]\ncommand=/bin/sh -c 'echo first; exec sleep 1000'\n")
    wait_for(lambda: auto_log(daemon), "there is a log")
    first = auto_log(daemon)
    assert daemon.end() == 0
    assert first.exists()
    daemon.start()
    assert not first.exists()


def test_auto_logs_of_another_daemon_that_is_alive_stay(slotd):
    """Also those of what it has stopped, which nobody has open."""
    first = slotd("""
[program:web]
command=/bin/sh -c 'echo first; exec sleep 1000'
[program:stopped]
command=/bin/sh -c 'echo stopped; exec sleep 1000'
""")
    wait_for(lambda: auto_log(first) and auto_log(first, "stopped-stdout"), "there are logs")
    first.ctl("stop", "stopped", check=True)
    second = slotd(start=False)
    second.write_config(second.config.read_text().replace(
        f"childlogdir={second.dir}", f"childlogdir={first.dir}"), head=False)
    second.start()
    second.wait_log("another daemon with identifier=supervisor writes AUTO logs")
    assert auto_log(first).exists() and auto_log(first, "stopped-stdout").exists()
    assert first.end() == 0
    assert second.end() == 0
    second.start()
    assert not auto_log(first) and not auto_log(first, "stopped-stdout")


def test_what_only_has_the_name_of_an_auto_log_stays(slotd):
    daemon = slotd(start=False)
    (daemon.dir / "precious").write_text("text")
    link = daemon.dir / "log/a-stdout---supervisor-12345678.log"
    os.symlink(daemon.dir / "precious", link)
    os.mkfifo(daemon.dir / "log/b-stdout---supervisor-12345678.log")
    daemon.start()
    assert os.path.islink(link) and daemon.read("precious") == "text"
    assert (daemon.dir / "log/b-stdout---supervisor-12345678.log").is_fifo()
