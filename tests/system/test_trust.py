"""What root believes, nobody else may have written: the configuration, its parts, commands, state."""

import os
import subprocess

import pytest

from harness.daemon import _HEAD
from harness.paths import SLOTD

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="about what root trusts")

SOMEBODY = 65534
SLEEPER = "[program:x]\ncommand=sleep 1000\n"
OURS = "[slotd]\nstate_dir=%D%/state\nrun_dir=%D%/run\nlog_dir=%D%/log\n" + SLEEPER
THEIRS = _HEAD.replace("{dir}", "%D%") + SLEEPER


def written(slotd, text, spoil=lambda path: None):
    d = slotd(start=False)
    d.write_config(text, head=False)
    spoil(d.config)
    return d


def check(d, *args):
    """slotd -t: its exit status and what it says."""
    done = subprocess.run([SLOTD, "-t", *args, "-c", d.config], capture_output=True, text=True)
    return done.returncode, done.stderr


def give_away(path):
    os.chown(path, SOMEBODY, SOMEBODY)


def open_to_group(path):
    os.chown(path, 0, SOMEBODY)
    path.chmod(0o664)


def open_directory(path):
    path.parent.chmod(0o777)


REASONS = [
    (lambda p: p.chmod(0o646), "{p} can be written by everybody (mode 0646)"),
    (open_directory, "{d} can be written by everybody (mode 0777)"),
    (give_away, "{p} belongs to uid 65534"),
    (open_to_group, "{p} can be written by gid 65534 (mode 0664)"),
]
NAMES = ["anybody's", "anybody's directory", "somebody's", "a group's"]


@pytest.mark.parametrize("spoil, words", REASONS, ids=NAMES)
def test_a_file_for_slotd_is_roots_or_refused(slotd, spoil, words):
    d = written(slotd, OURS, spoil)
    words = words.format(p=d.config, d=d.dir)
    status, said = check(d)
    assert status == 2 and f"{d.config}: {words}; whoever can change root's" in said
    d.expected_status = {2}
    assert d.start(wait=False).process.wait(20) == 2
    assert words in d.stderr()


@pytest.mark.parametrize("spoil, words", REASONS[2:], ids=NAMES[2:])
def test_supervisors_own_file_may_be_somebodys_and_slotd_says_so(slotd, spoil, words):
    d = written(slotd, THEIRS, spoil)
    words = words.format(p=d.config, d=d.dir)
    status, said = check(d)
    assert status == 0 and f"{words}, who can thereby act as root" in said
    assert check(d, "--strict")[0] == 2
    d.start()
    d.wait_log(words)


@pytest.mark.parametrize("spoil, words", REASONS[:2], ids=NAMES[:2])
def test_not_even_supervisors_may_be_anybodys(slotd, spoil, words):
    d = written(slotd, THEIRS, spoil)
    status, said = check(d)
    assert status == 2 and words.format(p=d.config, d=d.dir) in said


def test_a_sticky_directory_is_none_of_anybodys(slotd):
    d = written(slotd, OURS, lambda path: path.parent.chmod(0o1777))
    assert check(d, "--strict")[0] == 0 or "everybody" not in check(d)[1]


def test_a_directory_of_somebodys_is_worth_a_warning(slotd):
    d = written(slotd, OURS, lambda path: give_away(path.parent))
    status, said = check(d)
    assert status == 0 and f"{d.dir} belongs to uid 65534, who can thereby act as root" in said


def test_a_link_is_judged_where_it_is_and_where_it_leads(slotd, tmp_path):
    d = written(slotd, OURS)
    open_there = tmp_path / "open"
    open_there.mkdir()
    open_there.chmod(0o777)
    real = d.config.rename(open_there / "real.conf")
    d.config.symlink_to(real)
    status, said = check(d)
    assert status == 2 and f"{open_there} can be written by everybody" in said


def test_an_included_file_counts_as_much(slotd):
    d = written(slotd, OURS + "[include]\nfiles=%D%/more.conf\n")
    more = d.dir / "more.conf"
    more.write_text("[program:y]\ncommand=sleep 1000\n")
    d.start()
    more.chmod(0o666)
    more.write_text("[program:y]\ncommand=sleep 1001\n")
    done = d.ctl("-s", f"unix://{d.socket}", "reload")
    assert done.returncode and f"{more} can be written by everybody" in done.stdout + done.stderr
    more.chmod(0o644)
    d.ctl("-s", f"unix://{d.socket}", "reload", check=True)


def test_a_command_of_roots_that_somebody_can_change_is_told(slotd, tmp_path):
    tool = tmp_path / "tool"
    tool.write_text("#!/bin/sh\nexec sleep 1000\n")
    tool.chmod(0o755)
    config = OURS.replace("command=sleep", f"command={tool}")
    assert "and is used as root" not in check(written(slotd, config))[1]
    give_away(tool)
    status, said = check(written(slotd, config))
    assert status == 0
    assert f"program x: command: {tool} belongs to uid 65534, and is used as root" in said
    assert "used as root" not in check(written(slotd, config + "user=nobody\n"))[1]


@pytest.mark.parametrize("which", ["state", "run"])
@pytest.mark.parametrize("spoil", [give_away, lambda p: p.chmod(0o777), lambda p: p.chmod(0o1777)],
                         ids=["somebody's", "anybody's", "sticky"])
def test_state_of_somebody_elses_is_not_believed(slotd, which, spoil):
    d = written(slotd, OURS)
    (d.dir / which).mkdir()
    spoil(d.dir / which)
    d.expected_status = {2}
    assert d.start(wait=False).process.wait(20) == 2
    assert f"Error: {d.dir}/{which} " in d.stderr() and "chown root and chmod go-w" in d.stderr()


def test_the_user_that_slotd_becomes_is_trusted_with_its_own(slotd):
    d = written(slotd, OURS.replace("[slotd]", "[slotd]\nuser=nobody"))
    d.start()
    d.end()
    assert (d.dir / "state").stat().st_uid == SOMEBODY
    give_away(d.config)
    d.start()
