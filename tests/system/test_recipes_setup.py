"""examples/payinv/setup on a fresh machine: a mount namespace with an /etc, /srv, /var of its own."""

import os
import re
import sqlite3
import subprocess

import pytest

from harness.paths import BUILD, ROOT
from harness.repository import needs

EXAMPLE = ROOT / "examples/payinv"

# The story as one script of its own, because all of it is in that namespace. "== WORD" begins a part.
MACHINE = r"""
set -euo pipefail
for new in /srv /var/lib /var/backups /var/log /run /usr/local; do mount -t tmpfs -o mode=755 none $new; done
mkdir /run/etc && cp -a /etc/. /run/etc && mount --bind /run/etc /etc
mkdir -p /var/lib/slotd /var/log/slotd /usr/local/bin
sed -i '/^\(payinv\|git\):/d' /etc/passwd /etc/group /etc/shadow /etc/gshadow
git config --system --unset-all safe.directory || true
cp "$BUILD/src/ctl/slotctl" /usr/local/bin
files() { find /etc /srv /usr/local /var/lib /var/backups -printf '%p %i %T@ %m %u\n' | sort; }
wait_until() { for _ in $(seq 600); do if "$@" 2>/dev/null >&2; then return; fi; sleep 0.1; done; "$@"; }
page() { curl -sf -H 'Host: payinv.example' "http://127.0.0.1:$PORT/"; }

echo '== first'; "$EXAMPLE/setup"
files >/run/before
echo '== again'; "$EXAMPLE/setup"
files >/run/after; cmp /run/before /run/after

echo '== test'
sed -i -e "s/127.0.0.1:8000/127.0.0.1:$PORT/" -e "s/8001-8005/$((PORT + 1))-$((PORT + 2))/" \
    -e "s/8101-8105/$((PORT + 3))-$((PORT + 4))/" /etc/slotd/slotd.conf
"$BUILD/src/supervisor/slotd" -t 2>&1
"$BUILD/src/supervisor/slotd" -n >/run/out 2>&1 & slotd=$!
trap 'kill $slotd 2>/dev/null; wait $slotd; status=$?; cat /run/out; echo "slotd $status"' EXIT
wait_until slotctl slots

# ana, whose key is in authorized_keys: to this machine she is the user git.
export GIT_AUTHOR_NAME=ana GIT_AUTHOR_EMAIL=a@b.c GIT_COMMITTER_NAME=ana GIT_COMMITTER_EMAIL=a@b.c HOME=/run/ana
install -d -o git -g git /run/ana
ana() { (cd /run/ana && runuser -u git -- env HOME=/run/ana PATH="/usr/local/bin:$PATH" "$@"); }
ana git init -q -b main; ana cp -r "$EXAMPLE/src" .; ana git add src; ana git commit -q -m one
ana git remote add origin /srv/git/payinv.git
echo '== push'; ana git push origin main 2>&1
page; cat /usr/local/apps/live
ana git commit -q --allow-empty -m two
echo '== second'; ana git push origin main 2>&1
page
find /var/backups/payinv -type f -printf '%f %m %u\n'
# Without a backup there is no deploy.
chmod 500 /var/backups/payinv; chown root /var/backups/payinv
ana git commit -q --allow-empty -m three
echo '== failed'; if ana git push origin main 2>&1; then echo 'was not refused'; fi
page
echo '== shut'; runuser -u git -- /usr/local/bin/slotctl shutdown --force 2>&1 || true
slotctl status
"""


@pytest.mark.plain_only  # scripts and gunicorn, little of slotd
@pytest.mark.skipif(os.geteuid() != 0, reason="it makes users")
@pytest.mark.skipif(subprocess.run(["unshare", "-m", "mount", "-t", "tmpfs", "none", "/srv"],
                                   capture_output=True).returncode, reason="no mount namespaces here")
def test_a_server_is_set_up_once_and_deploys_what_is_pushed(ports):
    needs("git", "gunicorn", "curl", "useradd")
    done = subprocess.run(["unshare", "-m", "bash", "-c", MACHINE], text=True, timeout=200,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          env={"PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin",
                               "BUILD": str(BUILD), "EXAMPLE": str(EXAMPLE),
                               "PORT": str(ports.run(5)[0])})
    text = done.stdout
    parts = dict(re.findall(r"^== (\w+)\n(.*?)(?=^== |\Z)", text, re.M | re.S))
    assert "user payinv\n" in parts["first"] and "clone /usr/local/apps/payinv-b" in parts["first"], text
    assert parts["again"] == "Nothing to do: all of it is there.\n", text
    assert "1 service" in parts["test"], text
    assert "| backup: /var/backups/payinv/" in parts["push"] and "| migrate: 2 steps" in parts["push"], text
    assert re.search(r"by git\b", parts["push"]) and re.search(r"^b \d+ \d+\nb", parts["push"], re.M), text
    assert "| migrate: 0 steps" in parts["second"] and re.search(r"^a \d+ \d+$", parts["second"], re.M), text
    assert len(re.findall(r"^\S+\.sqlite3 600 payinv$", parts["second"], re.M)) == 2, text
    assert "was not refused" not in text and "exit 10: the deploy of" in parts["failed"], text
    assert "was not copied to /var/backups/payinv" in parts["failed"], text
    assert re.search(r"^a \d+ \d+$", parts["failed"], re.M) and "[remote rejected]" in parts["failed"], text
    assert "only root and slotd's own user" in parts["shut"] or "FORBIDDEN" in parts["shut"], text
    assert len(re.findall(r"^payinv-a:\S+ +RUNNING ", parts["shut"], re.M)) == 2, text
    assert text.rstrip().endswith("slotd 0"), text


def backup(*arguments, **env):
    return subprocess.run([str(EXAMPLE / "backup"), *map(str, arguments)], capture_output=True, text=True,
                          timeout=60, env={**os.environ, **env}, check=False)


def test_a_backup_is_whole_while_the_database_is_written_and_old_ones_go(tmp_path):
    database, copies = tmp_path / "live.sqlite3", tmp_path / "copies"
    copies.mkdir()
    live = sqlite3.connect(database)
    live.execute("PRAGMA journal_mode=WAL")
    live.execute("CREATE TABLE t (x)")
    live.execute("INSERT INTO t VALUES (1)")
    live.commit()
    live.execute("INSERT INTO t VALUES (2)")  # a transaction that is open
    for number in range(3):
        done = backup(database, copies, 2, SLOTD_RELEASE=f"r/{number}")
        assert done.returncode == 0 and "backup: " in done.stdout, done
    live.close()
    left = sorted(copies.iterdir())
    assert [path.name.split("Z-")[1] for path in left] == [f"r_{n}.sqlite3" for n in (1, 2)]
    copy = sqlite3.connect(left[-1])
    assert copy.execute("SELECT x FROM t").fetchall() == [(1,)]
    copy.close()


def test_a_backup_that_fails_says_so_and_leaves_the_others(tmp_path):
    copies = tmp_path / "copies"
    copies.mkdir()
    (copies / "20200101-x.sqlite3").touch()
    damaged = tmp_path / "damaged"
    damaged.write_bytes(b"this is no database" * 99)
    for database in (tmp_path / "none", damaged):
        done = backup(database, copies, 1)
        assert done.returncode == 1 and "was not copied" in done.stderr, done
        assert [p.name for p in copies.iterdir()] == ["20200101-x.sqlite3"]
    assert backup(damaged, tmp_path / "none", 1).returncode == 1
    assert backup(damaged, copies, "many").returncode == 2
