"""allow=: roles on slotd's own socket, by the credentials of its other end; whoami."""

import os
import subprocess
import xmlrpc.client

import pytest

from harness.paths import SLOTD
from harness.procs import wait_for
from test_services import Payinv

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="other users need root")

READER, DEPLOYER, ADMIN, METRICS, NOBODY = "games", "backup", "www-data", "daemon", "nobody"
ROLES = f"[slotd]\nallow=admin:{ADMIN}, metrics:{METRICS}, read:@{READER}\n"


@pytest.fixture
def roles(slotd, ports):
    payinv = Payinv(slotd, ports, options=f"allow=deploy:{DEPLOYER}\n" + ROLES + """
[program:other]
command=sleep 1000
""")
    payinv.daemon.wait_state("other", "RUNNING")
    return payinv


def ctl(payinv, user, *arguments):
    return payinv.daemon.ctl(*arguments, user=user, group=user if user != NOBODY else "nogroup",
                             extra_groups=[])


def may(payinv, user, *arguments):
    done = ctl(payinv, user, *arguments)
    text = done.stdout + done.stderr
    if done.returncode in (0, 3):  # 3: something does not run
        return True
    assert "role" in text or "may not change" in text, text
    assert user in text, text  # it says who you are
    return False


def http(payinv, user, path, *arguments):
    return subprocess.run(
        ["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "--unix-socket",
         payinv.daemon.dir / "run/slotd.sock", *arguments, f"http://localhost{path}"], user=user,
        group="nogroup", extra_groups=[], text=True, capture_output=True, timeout=60).stdout


def test_each_role_may_what_it_says_and_no_more(roles):
    worker = roles.worker("a", 0)
    rights = {
        (ADMIN, "status"): True, (ADMIN, "restart", "other"): True, (ADMIN, "maintail"): True,
        (ADMIN, "swap", "payinv"): True, (ADMIN, "reread"): True,
        (DEPLOYER, "swap", "payinv"): True, (DEPLOYER, "tail", worker): True,
        (DEPLOYER, "freeze", "payinv", "x"): True, (DEPLOYER, "unfreeze", "payinv"): True,
        (DEPLOYER, "tail", "other"): False, (DEPLOYER, "maintail"): False,
        (DEPLOYER, "reload"): False, (DEPLOYER, "history"): False,
        (READER, "status", "other"): True, (READER, "tail", "other"): True,
        (READER, "history"): True, (READER, "swap", "payinv"): False,
        (READER, "signal", "HUP", "other"): False, (READER, "maintail"): False,
        (METRICS, "slots"): False, (NOBODY, "slots"): False, (NOBODY, "history"): False,
        (NOBODY, "swap", "payinv"): False, (NOBODY, "version"): True, (NOBODY, "help"): True,
    }
    for (user, *arguments), right in rights.items():
        if arguments[0] in ("restart", "signal") or not right and arguments[0] == "tail":
            continue  # below: slotctl prints those as supervisorctl does
        assert may(roles, user, *arguments) == right, (user, arguments)
    assert "other: started" in ctl(roles, ADMIN, "restart", "other").stdout
    assert f"{READER} may read everything" in ctl(roles, READER, "signal", "HUP", "other").stdout
    text = ctl(roles, DEPLOYER, "tail", "other")
    assert "role read" in text.stdout + text.stderr
    # Whoever may see one service sees that one alone.
    seen = ctl(roles, DEPLOYER, "status").stdout
    assert "payinv-a" in seen and "other" not in seen
    assert "other" in ctl(roles, READER, "status").stdout
    # The web page shows all; /RPC2 is judged by what is asked.
    assert [http(roles, user, "/") for user in (ADMIN, DEPLOYER, NOBODY)] == ["200", "403", "403"]
    asked = xmlrpc.client.dumps(("other",), "supervisor.getProcessInfo")
    raw = subprocess.run(
        ["curl", "-s", "--unix-socket", roles.daemon.dir / "run/slotd.sock", "-d", asked,
         "http://localhost/RPC2"], user=DEPLOYER, group="nogroup", extra_groups=[], text=True,
        capture_output=True, check=True, timeout=60)
    with pytest.raises(xmlrpc.client.Fault, match="role read"):
        xmlrpc.client.loads(raw.stdout)
    # History names the person.
    wait_for(lambda: f'"who":"{DEPLOYER}"' in roles.daemon.read("state/history"), "it is recorded")
    assert f'"who":"{ADMIN}"' in roles.daemon.read("state/history")


def test_whoami_says_what_one_may_and_a_reload_changes_it(roles):
    def who(user):
        return ctl(roles, user, "whoami").stdout

    assert "root (uid 0" in roles.daemon.ctl("whoami", check=True).stdout
    assert f"{DEPLOYER} (uid " in who(DEPLOYER) and "may deploy payinv" in who(DEPLOYER)
    assert "may read everything" in who(READER) and "may do everything" in who(ADMIN)
    assert "uid 65534" in who(NOBODY) and "may do nothing" in who(NOBODY)
    assert "read the metrics" in who(METRICS)
    roles.daemon.write_config(roles.daemon.read("slotd.conf").replace(
        f"allow=deploy:{DEPLOYER}", f"allow=read:{DEPLOYER}"), head=False)
    roles.daemon.ctl("reload", check=True)
    assert not may(roles, DEPLOYER, "swap", "payinv") and may(roles, DEPLOYER, "slots")
    # A slotd that is started again after kill -9 knows them as well.
    roles.daemon.kill()
    roles.daemon.start()
    assert not may(roles, DEPLOYER, "swap", "payinv") and not may(roles, NOBODY, "slots")


def test_without_roles_everything_is_as_before(slotd, ports):
    payinv = Payinv(slotd, ports, options=f"allow_deploy={DEPLOYER}\n")
    assert may(payinv, NOBODY, "slots") and may(payinv, NOBODY, "status")
    assert may(payinv, DEPLOYER, "swap", "payinv") and not may(payinv, NOBODY, "swap", "payinv")
    assert not may(payinv, DEPLOYER, "history")


@pytest.mark.parametrize("line, says", [
    ("allow=deploy", "is not a role and a name"), ("allow=boss:root", "is not a role and a name"),
    ("allow=read:no-such-user", "there is no user no-such-user"),
    ("allow=read:@no-such-group", "there is no group no-such-group"),
    ("allow=admin:root", "write it in [slotd]")])
def test_a_wrong_allow_is_refused_with_its_line(slotd, ports, line, says):
    payinv = Payinv(slotd, ports, start=False, options=line + "\n")
    payinv.daemon.write_config(payinv.config)
    done = subprocess.run([SLOTD, "-t", "-c", payinv.daemon.config], text=True, capture_output=True,
                          timeout=60)
    assert done.returncode == 2 and says in done.stderr and "slotd.conf:" in done.stderr, done.stderr
