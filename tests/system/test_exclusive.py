"""exclusive= and consumers=: what there may be one of in two slots, and what goes with each."""

from harness.apps import service, web_slot
from harness.procs import wait_for

# Takes a lock without waiting, and says when it cannot; deaf to SIGTERM, like one that hangs. What it
# has started holds the lock, too.
BEAT = """/bin/sh -c 'exec 9>>%D%/lock; flock -n 9 || {{ echo {slot} >> %D%/overlaps; exit 1; }};
 trap "" TERM; echo {slot} >> %D%/runs; while :; do sleep 0.2; done'""".replace("\n", "")


def beats(ports, options):
    text = ""
    for slot in "ab":
        text += web_slot(f"s-{slot}", ports.run(1), slot)
        text += (f"[program:beat-{slot}]\ncommand={BEAT.format(slot=slot)}\nexclusive=true\n"
                 "startsecs=0\nstopwaitsecs=1\nautorestart=true\n")
        text += f"[program:side-{slot}]\ncommand=sleep 1000\nstartsecs=0\n"
    text += service("s", f"127.0.0.1:{ports.one()}", options)
    for slot in "ab":
        text = text.replace(f"slot_{slot}=s-{slot}", f"slot_{slot}=s-{slot}, beat-{slot}, side-{slot}")
    return text


def runs(daemon):
    return daemon.read("runs").split()


def began(daemon, *slots):
    wait_for(lambda: runs(daemon) == list(slots), f"beats began in {' '.join(slots)}")


def killed(daemon):
    daemon.kill()
    daemon.start()


def test_never_two_whatever_happens_while_the_old_one_does_not_end(slotd, ports):
    daemon = slotd(beats(ports, "prepare=test $SLOTD_RELEASE != bad\n"))
    began(daemon, "a")
    refused = daemon.ctl("start", "beat-b")
    assert "beat-b is exclusive: stop beat-a first" in refused.stdout + refused.stderr
    daemon.ctl("swap", "s", check=True)
    killed(daemon)
    began(daemon, "a", "b")
    daemon.ctl("rollback", "s", check=True)
    assert "waits for beat-b to end" in daemon.ctl("status", "--json").stdout
    daemon.config.write_text(daemon.config.read_text().replace("[program:side-a]",
                             "[program:other]\ncommand=sleep 1000\n[program:side-a]"))
    daemon.ctl("reload", check=True)
    began(daemon, "a", "b", "a")
    assert daemon.ctl("deploy", "s", "bad").returncode == 10
    daemon.ctl("restart", "--force", "beat-a", check=True)
    began(daemon, "a", "b", "a", "a")
    # Under another name it is the same.
    daemon.config.write_text(daemon.config.read_text().replace("beat-a", "heart-a"))
    daemon.ctl("reload", "--force", check=True)
    killed(daemon)
    began(daemon, "a", "b", "a", "a", "a")
    assert daemon.wait_state("heart-a", "RUNNING")
    # Also where the next slotd reads another file than the one that was killed.
    daemon.kill()
    daemon.config.write_text(daemon.config.read_text().replace("heart-a", "beat-a"))
    daemon.start()
    began(daemon, "a", "b", "a", "a", "a", "a")
    assert daemon.wait_state("beat-a", "RUNNING")
    assert daemon.read("overlaps") == ""


def test_what_goes_with_the_slot_runs_before_the_swap_and_until_the_slot_stops(slotd, ports):
    daemon = slotd(beats(ports, "consumers=with_slot\nidle_keep=2\n"))
    began(daemon, "a")
    assert daemon.info("side-b")["statename"] == "STOPPED"
    daemon.ctl("deploy", "s", "--until=gate", check=True)
    side = daemon.wait_state("side-b", "RUNNING")["pid"]
    assert runs(daemon) == ["a"]
    daemon.ctl("swap", "s", check=True)
    assert daemon.info("side-a")["statename"] == "RUNNING"
    began(daemon, "a", "b")
    assert daemon.wait_state("side-a", "STOPPED")
    assert daemon.info("side-b")["pid"] == side
    assert daemon.read("overlaps") == ""
