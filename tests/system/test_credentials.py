"""credential=: secrets as files that only the worker's user can read, as long as the worker runs."""

import os
import pwd
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from harness.paths import SLOTD
from harness.procs import wait_for

SHOW = ("sh -c 'cd $CREDENTIALS_DIRECTORY && stat -c \"%%n %%a %%u\" . * && cat * && exec sleep 1000'")


@pytest.fixture
def memory():
    """A run_dir on a tmpfs, which /tmp need not be."""
    path = Path(tempfile.mkdtemp(prefix="slotd.", dir="/dev/shm"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
def secret(memory):
    def write(text, name="key", mode=0o600):
        path = memory / name
        path.write_text(text)
        path.chmod(mode)
        return path

    return write


@pytest.fixture
def daemon(slotd, memory):
    """A slotd whose run_dir is in memory."""
    def make(config, **kwargs):
        made = slotd(f"[slotd]\nrun_dir={memory}\n[supervisorctl]\n"
                     f"serverurl=unix://{memory}/slotd.sock\n" + config, start=False, **kwargs)
        made.socket = memory / "slotd.sock"
        return made.start()

    return make


def run(command):
    return subprocess.run(command, capture_output=True, text=True)


def out(daemon, name):
    return (daemon.dir / f"{name}.out").read_text() if (daemon.dir / f"{name}.out").exists() else ""


def directories(memory):
    above = memory / "credentials"
    return sorted(os.listdir(above)) if above.exists() else []


def test_a_worker_finds_its_secrets_and_nobody_else_does(daemon, memory, secret):
    key, more = secret("hunter2\n"), secret("sesame\n", "more", 0o400)
    user = pwd.getpwnam("nobody")
    d = daemon(f"[program:x]\ncommand={SHOW}\nstdout_logfile=%D%/x.out\n"
               f"user={'nobody' if os.geteuid() == 0 else user.pw_name}\n"
               f"credential=db:{key}\ncredential=api:{more}\n")
    d.wait_state("x", "RUNNING")
    uid = user.pw_uid
    wait_for(lambda: "sesame" in out(d, "x"), "the worker has read them")
    root = os.geteuid() == 0
    assert out(d, "x") == f". {'550 0' if root else f'500 {uid}'}\napi 400 {uid}\ndb 400 {uid}\nsesame\nhunter2\n"
    assert (memory / "credentials").stat().st_mode & 0o777 == 0o711
    assert directories(memory) == ["x:x"]
    d.rpc.supervisor.stopProcess("x")
    assert directories(memory) == []


def test_each_worker_has_its_own_and_a_restart_reads_anew(daemon, memory, secret):
    secret("one\n", "key-0")
    secret("two\n", "key-1")
    d = daemon("[program:x]\nnumprocs=2\nprocess_name=%(process_num)d\n"
               f"command={SHOW}\nstdout_logfile=%D%/%(process_num)d.out\n"
               f"credential=\n  key:{memory}/key-%(process_num)d\n")
    wait_for(lambda: "one" in out(d, "0") and "two" in out(d, "1"), "both have read theirs")
    assert directories(memory) == ["x:0", "x:1"]
    secret("three\n", "key-0")
    d.ctl("restart", "x:0", check=True)
    wait_for(lambda: "three" in out(d, "0"), "the new run has read the new one")
    assert "three" not in out(d, "1") and directories(memory) == ["x:0", "x:1"]


@pytest.mark.parametrize("spoil, words", [
    (lambda p: p.unlink(), "couldn't provide credential key from {p}: ENOENT"),
    (lambda p: p.chmod(0o602), "couldn't provide credential key from {p} ({p} can be written by "
     "everybody (mode 0602)): EPERM"),
    (lambda p: (p.unlink(), p.mkdir()), "couldn't provide credential key from {p} (not a regular "
     "file): EINVAL"),
    (lambda p: (p.unlink(), os.mkfifo(p)), "couldn't provide credential key from {p} (not a "
     "regular file): EINVAL"),
    (lambda p: p.write_bytes(b"x" * ((1 << 20) + 1)), "couldn't provide credential key from {p}: "
     "E2BIG"),
], ids=["missing", "anybody's", "directory", "fifo", "too big"])
def test_what_cannot_be_given_stops_the_start_with_words(daemon, memory, secret, spoil, words):
    path = secret("x")
    spoil(path)
    d = daemon("[program:x]\ncommand=sleep 1000\nstartretries=0\n"
               f"stderr_logfile=%D%/x.err\ncredential=key:{path}\n")
    d.wait_state("x", "FATAL")
    d.wait_log(words.format(p=path))
    wait_for(lambda: f"supervisor: {words.format(p=path)}" in d.read("x.err"), "its own log says so")
    wait_for(lambda: directories(memory) == [], "nothing is left")
    path.rmdir() if path.is_dir() else path.unlink(missing_ok=True)
    secret("y")
    d.ctl("start", "x", check=True)
    assert directories(memory) == ["x:x"]


@pytest.mark.skipif(os.geteuid() != 0, reason="gives files to somebody else")
def test_somebody_elses_file_is_no_secret(daemon, secret):
    path = secret("x")
    os.chown(path, 65534, 65534)
    d = daemon(f"[program:x]\ncommand=sleep 1000\nstartretries=0\ncredential=key:{path}\n")
    d.wait_state("x", "FATAL")
    d.wait_log(f"({path} belongs to uid 65534): EPERM")


def test_on_a_disk_there_are_no_secrets(slotd, tmp_path):
    key = tmp_path / "key"
    key.write_text("hunter2")
    d = slotd(f"[program:x]\ncommand=sleep 1000\nstartretries=0\ncredential=key:{key}\n")
    if run(["stat", "-f", "-c", "%T", d.dir]).stdout.strip() == "tmpfs":
        pytest.skip("the temporary directory is in memory")
    d.wait_state("x", "FATAL")
    d.wait_log(f"credential= is for memory only, and run_dir={d.dir}/run is on a disk")


def test_what_a_killed_slotd_left_is_removed(daemon, memory, secret):
    key = secret("hunter2")
    stale = memory / "credentials" / "gone:gone"
    stale.mkdir(parents=True)
    (stale / "key").write_text("old")
    (stale / "key").chmod(0o400)
    stale.chmod(0o500)
    d = daemon(f"[program:x]\ncommand=sleep 1000\ncredential=key:{key}\n")
    d.wait_state("x", "RUNNING")
    assert directories(memory) == ["x:x"]
    d.end()
    assert directories(memory) == []


def test_what_a_worker_adds_there_does_not_stay(daemon, memory, secret):
    key = secret("hunter2")
    d = daemon("[program:x]\ncommand=sh -c 'cd $CREDENTIALS_DIRECTORY; chmod 700 .; touch more; "
               "mkdir empty; echo done; exec sleep 1000'\nstdout_logfile=%D%/x.out\n"
               f"credential=key:{key}\n")
    wait_for(lambda: "done" in out(d, "x"), "it has made more")
    d.rpc.supervisor.stopProcess("x")
    assert directories(memory) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="becomes somebody")
def test_another_user_cannot_add_anything_there(daemon, memory, secret):
    key = secret("hunter2")
    d = daemon("[program:x]\nuser=nobody\ncommand=sh -c 'cd $CREDENTIALS_DIRECTORY; cat key; "
               "chmod 700 .; mkdir -p deep/er; rm -f key; touch more; ls; exec sleep 1000'\n"
               f"redirect_stderr=true\nstdout_logfile=%D%/x.out\ncredential=key:{key}\n")
    wait_for(lambda: out(d, "x").endswith("\nkey\n"), "it has tried")
    said = out(d, "x")
    assert said.startswith("hunter2chmod: changing permissions of '.': Operation not permitted")
    assert "deep" in said and said.count("Permission denied") == 3
    directory = memory / "credentials/x:x"
    for user, group, may in ((65534, 65534, True), (12345, 65534, False), (12345, 12345, False)):
        done = run(["/usr/bin/setpriv", f"--reuid={user}", f"--regid={group}", "--clear-groups", "ls",
                    directory])
        assert (done.returncode == 0) == may, done
    d.rpc.supervisor.stopProcess("x")
    assert directories(memory) == []


def test_nobody_is_told_of_their_content(daemon, secret):
    key = secret("hunter2\n")
    d = daemon(f"[program:x]\ncommand=sleep 1000\ncredential=key:{key}\nautostart=false\n"
               "[slotd]\nloglevel=trace\n")
    d.ctl("start", "x", check=True)
    said = [d.ctl(*words).stdout for words in (["config"], ["config", "x"], ["status"], ["avail"])]
    said += [str(d.status()), str(d.rpc.supervisor.getAllConfigInfo()), d.log(), d.stderr()]
    assert "hunter2" not in "".join(said)
    files = [p for p in d.dir.rglob("*") if p.is_file()]
    assert files and not any(b"hunter2" in p.read_bytes() for p in files)


def test_a_reload_restarts_for_another_secret(daemon, memory, secret):
    key, other = secret("one"), secret("two", "other")
    d = daemon(f"[program:x]\ncommand=sleep 1000\ncredential=key:{key}\n")
    pid = d.wait_state("x", "RUNNING")["pid"]
    d.config.write_text(d.config.read_text().replace(f"key:{key}", f"key:{other}"))
    d.ctl("reload", check=True)
    assert d.wait_state("x", "RUNNING")["pid"] != pid
    assert (memory / "credentials/x:x/key").read_text() == "two"


def test_a_check_tells_what_will_not_be_given(slotd, memory, secret):
    path = secret("x", mode=0o666)
    d = slotd(f"[program:x]\ncommand=/bin/true\ncredential=key:{path}\n", start=False)
    done = run([SLOTD, "-t", "-c", d.config])
    assert f"credential: {path} can be written by everybody (mode 0666)" in done.stderr
    assert "credential: it is for memory only" in done.stderr or d.dir.is_relative_to("/dev/shm")
    assert done.returncode == 2


def test_they_outlive_a_killed_slotd_with_their_worker(daemon, memory, secret):
    key = secret("hunter2")
    d = daemon(f"[program:x]\ncommand=sleep 1000\ncredential=key:{key}\n"
               f"[program:y]\ncommand=sleep 1000\ncredential=key:{key}\n")
    pid = d.wait_state("x", "RUNNING")["pid"]
    d.wait_state("y", "RUNNING")
    d.kill()
    d.config.write_text(d.config.read_text().split("[program:y]")[0])
    d.start()
    assert d.info("x")["pid"] == pid
    wait_for(lambda: directories(memory) == ["x:x"], "the other one's are gone with it")
    assert (memory / "credentials/x:x/key").read_text() == "hunter2"
    d.rpc.supervisor.stopProcess("x")
    assert directories(memory) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="becomes somebody")
def test_a_slotd_of_a_plain_user_gives_what_that_user_has(slotd, memory, secret):
    key = secret("hunter2\n")
    d = slotd(f"[slotd]\nrun_dir={memory}\n[program:x]\ncommand={SHOW}\n"
              f"stdout_logfile=%D%/x.out\ncredential=key:{key}\n", start=False)
    d.socket = memory / "slotd.sock"
    for path in [key, memory, d.dir, *d.dir.iterdir()]:
        os.chown(path, 65534, 65534)
    d.start(wrap=["/usr/bin/setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"])
    wait_for(lambda: "hunter2" in out(d, "x"), "the worker has read it")
    assert out(d, "x") == ". 500 65534\nkey 400 65534\nhunter2\n"
    d.rpc.supervisor.stopProcess("x")
    assert directories(memory) == []
