"""contrib/nginx, contrib/apache and contrib/static: in real servers, with a deploy under load."""

import http.client
import json
import os
import shutil
import socket
import subprocess
import time

import pytest

from harness.apps import APPS, payinv_slot, service
from harness.clients import session
from harness.fronts import APACHE_MODULES, Front, program
from harness.paths import ROOT
from harness.procs import wait_for

SHARE = ROOT / "contrib/static/share-assets"
GUNICORN = "/usr/bin/gunicorn payinv_site:application --pythonpath {apps} --bind 127.0.0.1:%(process_num)d "
PREPARE = """prepare_directory=%D%/payinv-%(slot)s
prepare=
  hash=$(printf %%s "$SLOTD_RELEASE" | sha256sum | cut -c1-12)
  rm -rf static && mkdir -p static/js
  printf %%s "$SLOTD_RELEASE" | tee static/js/app.js > static/js/app.$hash.js
  printf '{"app.js": "js/app.%%s.js"}' $hash > static/staticfiles.json
  SHARE static %D%/payinv-static 30 ../payinv-$SLOTD_LIVE_SLOT/static
""".replace("SHARE", str(SHARE))
NGINX = """\
daemon off; worker_processes 1; pid {dir}/nginx.pid; error_log {dir}/error.log info; {user}
{load}
events {{ worker_connections 1024; }}
"""
NGINX_HTTP = """http {{
  access_log off; client_body_temp_path {dir}/body; proxy_temp_path {dir}/proxy;
  fastcgi_temp_path {dir}/f; uwsgi_temp_path {dir}/u; scgi_temp_path {dir}/s;
  include {dir}/payinv.conf;
}}
"""
NGINX_STREAM = "stream {{ include {dir}/payinv-stream.conf; }}\n"
APACHE = """\
ServerRoot {dir}
PidFile {dir}/pid
ErrorLog {dir}/error.log
LogLevel info
Mutex file:{dir}
Listen {front}
ServerName localhost
KeepAliveTimeout 60
MaxKeepAliveRequests 0
{modules}
Include {dir}/payinv.conf
"""


def recipe(name, directory, **replaced):
    """A copy of the recipe with what differs on this machine; every such text is in it."""
    text = (ROOT / "contrib" / name).read_text()
    for old, new in replaced.values():
        assert old in text, (name, old)
        text = text.replace(old, new)
    made = directory / os.path.basename(name)
    made.write_text(text)
    return made


def nginx_command(directory, text, load=""):
    config = directory / "nginx.conf"
    config.write_text(text.format(dir=directory, load=load,
                                  user="user root;" if os.geteuid() == 0 else ""))
    return [program("nginx"), "-c", str(config), "-p", str(directory)]


def nginx(site, front):
    recipe("nginx/payinv.conf", site.front_dir, listen=("listen 80;", f"listen {front};"),
           back=("127.0.0.1:8000", site.listen), static=("/usr/local/apps", str(site.dir)))
    return Front(nginx_command(site.front_dir, NGINX + NGINX_HTTP), front,
                 site.front_dir / "error.log", ())


def apache(site, front):
    path = program("apache2")
    recipe("apache/payinv.conf", site.front_dir, listen=("*:80", front),
           back=("127.0.0.1:8000", site.listen), static=("/usr/local/apps", str(site.dir)))
    names = ("mpm_event", "authz_core", "headers", "proxy", "proxy_http", "rewrite", "mime")
    modules = "\n".join(f"LoadModule {name}_module {APACHE_MODULES}/mod_{name}.so" for name in names)
    modules += "\nTypesConfig /etc/mime.types" if os.path.exists("/etc/mime.types") else ""
    if os.geteuid() == 0:
        modules += "\nUser www-data\nGroup www-data"
    config = site.front_dir / "apache.conf"
    config.write_text(APACHE.format(dir=site.front_dir, front=front, modules=modules))
    return Front([path, "-DFOREGROUND", "-f", str(config)], front, site.front_dir / "error.log", ())


class Site:
    """payinv in two directories, of real gunicorn, with static files that a deploy makes."""

    def __init__(self, slotd, ports, arguments="-k gthread --threads 8 --keep-alive 5", options=""):
        self.ports, self.listen = ports, f"127.0.0.1:{ports.one()}"
        self.daemon = slotd(start=False)
        self.dir = self.daemon.dir
        self.front_dir = self.dir / "front"
        self.front_dir.mkdir()
        text = ""
        for slot in "ab":
            directory = self.dir / f"payinv-{slot}"
            (directory / "static").mkdir(parents=True)
            text += payinv_slot(f"payinv-{slot}", ports.run(2), slot,
                                GUNICORN.format(apps=APPS) + arguments, directory=directory)
        self.daemon.write_config(text + service("payinv", self.listen, PREPARE + "idle_keep=60\n" + options))
        first = self.dir / "payinv-a/static/js"
        first.mkdir()
        (first / "app.0123456789ab.js").write_text("r0")
        (first.parent / "staticfiles.json").write_text('{"app.js": "js/app.0123456789ab.js"}')
        self.daemon.start()
        wait_for(lambda: self.daemon.log().count("is healthy") >= 2, "the live slot serves", 60)

    def deploy(self, release):
        return self.daemon.ctl("deploy", "payinv", release, check=True, timeout=180).stdout


def ask(address, path, method="GET", headers=()):
    host, _, port = address.rpartition(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=60)
    try:
        connection.request(method, path, headers={"Host": "payinv.example", **dict(headers)})
        answer = connection.getresponse()
        return answer.status, answer.read().decode(), answer.headers
    finally:
        connection.close()


def echoes(address):
    """A connection that is upgraded passes bytes both ways."""
    host, _, port = address.rpartition(":")
    with socket.create_connection((host, int(port)), 60) as connection:
        connection.sendall(b"GET /ws HTTP/1.1\r\nHost: payinv.example\r\nUpgrade: websocket\r\n"
                           b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                           b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
        head = b""
        while b"\r\n\r\n" not in head:
            data = connection.recv(4096)
            assert data, head
            head += data
        assert b" 101 " in head.split(b"\r\n")[0], head
        for word in (b"one", b"two"):
            connection.sendall(word)
            assert connection.recv(4096) == word
    return True


@pytest.mark.plain_only  # real servers, under load
@pytest.mark.parametrize("start", [nginx, pytest.param(apache, marks=pytest.mark.long)],
                         ids=["nginx", "apache"])
def test_a_deploy_behind_the_recipe_of_a_front(slotd, ports, start):
    site = Site(slotd, ports)
    front = f"127.0.0.1:{ports.one()}"
    process = start(site, front)
    try:
        told = json.loads(ask(front, "/client", headers={"X-Forwarded-For": "203.0.113.9"}.items())[1])
        assert told["HTTP_HOST"] == "payinv.example" and told["HTTP_X_FORWARDED_PROTO"] == "http"
        assert told["HTTP_X_FORWARDED_FOR"] == "203.0.113.9, 127.0.0.1", told
        assert echoes(front)
        page = ask(front, "/page")[1]
        assert page == "/static/js/app.0123456789ab.js"
        assert ask(front, "/static/js/app.js")[1] == "from the application"

        load = session(front, 12, 30)
        assets = {page: "r0"}
        for release in ("r1", "r2"):
            time.sleep(0.5)  # some load on each slot
            site.deploy(release)
            page = ask(front, "/page")[1]
            assert page not in assets, "each slot has its own manifest"
            assets[page] = release
        result = load.stop()
        assert not result["failed"], result
        assert result["ok"] > 50 and set(result["slots"]) == {"a", "b"}, result
        for page, content in assets.items():  # of every page that was loaded before a swap
            status, text, headers = ask(front, page)
            assert (status, text) == (200, content), page
            assert "immutable" in headers["Cache-Control"]
    except AssertionError:
        print(process.log())
        raise
    finally:
        process.close()


@pytest.mark.long
def test_nginx_tells_the_client_by_the_proxy_protocol(slotd, ports):
    """Connections, not requests: those that are asked for one at a time see no swap."""
    if not os.path.exists("/usr/lib/nginx/modules/ngx_stream_module.so"):
        pytest.skip("libnginx-mod-stream is not installed")
    site = Site(slotd, ports, "--proxy-protocol --proxy-allow-from 127.0.0.1", "protocol=tcp\n")
    front = f"127.0.0.1:{ports.one()}"
    recipe("nginx/payinv-stream.conf", site.front_dir, listen=("listen 80;", f"listen {front};"),
           back=("127.0.0.1:8000", site.listen))
    process = Front(nginx_command(site.front_dir, NGINX + NGINX_STREAM, "load_module /usr/lib/nginx/"
                                  "modules/ngx_stream_module.so;"), front,
                    site.front_dir / "error.log", ())
    try:
        with socket.create_connection(("127.0.0.1", int(front.rpartition(":")[2])), 60) as connection:
            connection.sendall(b"GET /client HTTP/1.1\r\nHost: payinv.example\r\n"
                               b"Connection: close\r\n\r\n")
            own = connection.getsockname()
            answer = b""
            while data := connection.recv(4096):
                answer += data
        told = json.loads(answer.partition(b"\r\n\r\n")[2])
        assert (told["REMOTE_ADDR"], told["REMOTE_PORT"]) == (own[0], str(own[1])), told
        load = session(front, 4, 20, once=True)
        time.sleep(0.5)
        site.deploy("r1")
        time.sleep(0.5)
        result = load.stop()
        assert not result["failed"] and set(result["slots"]) == {"a", "b"}, result
    finally:
        process.close()


# ---- share-assets alone

def share(*arguments, **env):
    return subprocess.run([str(SHARE), *map(str, arguments)], capture_output=True, text=True, timeout=60,
                          env={**os.environ, **env}, check=False)


def make(directory, **files):
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir()
    for name, text in files.items():
        path = directory / name.replace("__", "/").replace("_", ".")
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    return directory


def age(path, days):
    when = time.time() - days * 86400
    os.utime(path, (when, when))


def test_a_shared_asset_stays_for_its_time(tmp_path):
    a, b, shared = tmp_path / "a", tmp_path / "b", tmp_path / "shared"
    make(a, js__app_aaaaaaaa1111_js="1", staticfiles_json="{}", app_js="plain")
    done = share(a, shared, 30, b)
    assert done.returncode == 0 and "1 new in" in done.stdout, done
    assert [str(p.relative_to(shared)) for p in shared.rglob("*.*")] == ["js/app.aaaaaaaa1111.js"]
    first = shared / "js/app.aaaaaaaa1111.js"
    age(first, 400)  # live all the time: it counts from the deploy that replaces it
    make(b, js__app_bbbbbbbb2222_js="2")
    assert share(b, shared, 30, a).returncode == 0 and first.read_text() == "1"
    make(a, js__app_cccccccc3333_js="3")
    age(first, 29)
    assert share(a, shared, 30, b).returncode == 0 and first.exists()
    age(first, 31)
    done = share(a, shared, 30, b)
    assert done.returncode == 0 and "1 older than 30 days removed" in done.stdout, done
    assert sorted(p.name for p in shared.rglob("*.*")) == ["app.bbbbbbbb2222.js", "app.cccccccc3333.js"]


def test_share_assets_refuses_what_would_harm_a_page(tmp_path):
    a, shared = tmp_path / "a", tmp_path / "shared"
    make(a, app_aaaaaaaa1111_js="1")
    assert share(a, shared, 30).returncode == 0
    make(a, app_aaaaaaaa1111_js="other")
    done = share(a, shared, 30)
    assert done.returncode == 1 and "its name does not change with its content" in done.stderr
    assert (shared / "app.aaaaaaaa1111.js").read_text() == "1"
    make(a, app_js="no hash")
    done = share(a, shared, 30)
    assert done.returncode == 1 and "has a hash" in done.stderr, done
    assert share(a, shared, 30, HASHED=r"app\.js$").returncode == 0
    done = share(tmp_path / "none", shared, 30)
    assert done.returncode == 1 and "is no directory" in done.stderr, done
    assert share(a, shared, "soon").returncode == 2
