"""slotd-relay, which follows HTTP/1, beside itself with protocol=tcp, haproxy and nginx (TCP and HTTP),
systemd-socket-proxyd and no relay at all."""

import re
import subprocess
import sys
import time
from random import Random

from common import (
    BENCH,
    Bench,
    answers,
    command_name,
    cpu_nanoseconds,
    family,
    floor_line,
    free_port,
    median,
    own_processes,
    pss_kib,
    report,
    wait_until,
    wakeups,
)

SECONDS = 1
BULK_BYTES = 256 << 20
IDLE = 9000
PAIRS = 25
SOON = "client_timeout=2\n"  # so that no timer of the requests before is left when all are idle
PROXYD = "/lib/systemd/systemd-socket-proxyd"


def slotd_service(name, port, options):
    """A service and its two programs, and a backend of its own: slotd starts its workers."""
    first, second = free_port(), free_port()
    return (
        f"[service:{name}]\nlisten=127.0.0.1:{port}\nslot_a={name}-a\nslot_b={name}-b\n"
        f"health=tcp\nconnect=late\nbacklog=4096\nworker=127.0.0.1:%(process_num)d\n{options}"
        f"[program:{name}-a]\ncommand={BENCH}/backend %(process_num)d\nnumprocs_start={first}\n"
        "process_name=%(program_name)s_%(process_num)d\n"
        f"[program:{name}-b]\ncommand={BENCH}/backend %(process_num)d\nautostart=false\n"
        f"numprocs_start={second}\nprocess_name=%(program_name)s_%(process_num)d\n"
    )


def start_slotd(b, _):
    """One slotd with both services, whose relays they share: one is asked at a time."""
    port, b.tcp_port = free_port(), free_port()
    daemon = b.slotd(slotd_service("http", port, SOON) +
                     slotd_service("tcp", b.tcp_port, SOON + "protocol=tcp\n"))
    b.relays = lambda: [p for p in own_processes(daemon) if command_name(p) == "slotd-relay"]
    return port, b.relays


def start_slotd_tcp(b, _):
    return b.tcp_port, b.relays


def start_haproxy(b, backend, mode="tcp"):
    port = free_port()
    config = b.write(
        f"haproxy-{mode}.cfg",
        f"global\n  maxconn {IDLE + 500}\n  nbthread 2\n"
        f"defaults\n  mode {mode}\n  timeout connect 5s\n  timeout client 10m\n  timeout server 10m\n"
        f"listen x\n  bind 127.0.0.1:{port} backlog 4096\n  server s 127.0.0.1:{backend}\n",
    )
    p = b.start("haproxy", "-db", "-f", config)
    return port, lambda: family(p.pid)


def start_haproxy_http(b, backend):
    return start_haproxy(b, backend, "http")


def start_nginx_http(b, backend):
    port = free_port()
    paths = " ".join(f"{kind}_temp_path {b.dir}/{kind};" for kind in
                     ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    config = b.write(
        "nginx-http.conf",
        f"daemon off; worker_processes 2; pid {b.dir}/nginx-http.pid; error_log {b.dir}/http.err;\n"
        "worker_rlimit_nofile 20000; events { worker_connections 19000; }\n"
        f"http {{ access_log off; {paths} keepalive_requests 1000000000;\n"
        f"upstream back {{ server 127.0.0.1:{backend}; keepalive 64; "
        "keepalive_requests 1000000000; }\n"
        f"server {{ listen 127.0.0.1:{port} backlog=4096; location / {{ proxy_pass http://back; "
        'proxy_http_version 1.1; proxy_set_header Connection ""; proxy_buffering on; } } }\n',
    )
    p = b.start("nginx", "-c", config, "-e", f"{b.dir}/http.err")
    return port, lambda: family(p.pid)


def start_nginx(b, backend):
    port = free_port()
    config = b.write(
        "nginx.conf",
        "load_module /usr/lib/nginx/modules/ngx_stream_module.so;\n"
        f"daemon off; worker_processes 2; pid {b.dir}/nginx.pid; error_log {b.dir}/nginx.err;\n"
        "worker_rlimit_nofile 20000; events { worker_connections 19000; }\n"
        f"stream {{ server {{ listen 127.0.0.1:{port} backlog=4096; "
        f"proxy_pass 127.0.0.1:{backend}; proxy_timeout 10m; }} }}\n",
    )
    p = b.start("nginx", "-c", config, "-e", f"{b.dir}/nginx.err")
    return port, lambda: family(p.pid)


def start_proxyd(b, backend):
    port = free_port()
    p = b.start(
        "systemd-socket-activate", "-l", f"127.0.0.1:{port}", PROXYD, "-c", "20000",
        f"127.0.0.1:{backend}",
    )
    return port, lambda: family(p.pid)


def start_direct(b, backend):
    return backend, lambda: []


WAYS = {
    "direct": start_direct,
    "slotd": start_slotd,
    "slotd tcp": start_slotd_tcp,
    "haproxy": start_haproxy,
    "nginx": start_nginx,
    "proxyd": start_proxyd,
    "haproxy http": start_haproxy_http,
    "nginx http": start_nginx_http,
}


def wrk(port, path, connections, *extra):
    out = subprocess.run(
        ["wrk", "-t1", f"-c{connections}", f"-d{SECONDS}s", *extra, f"http://127.0.0.1:{port}{path}"],
        capture_output=True, text=True, check=True,
    ).stdout
    bad = re.search(r"Socket errors: (.*)|Non-2xx.*", out)
    if bad:
        print(f"note: wrk says {bad[0]}", file=sys.stderr)
    return float(re.search(r"Requests/sec:\s+([\d.]+)", out)[1])


def bulk(port):
    out = subprocess.run(
        [BENCH / "client", "bulk", str(port), "8", str(BULK_BYTES)],
        capture_output=True, text=True, check=True,
    ).stdout.split()
    return float(out[1]) / float(out[0])


# What is run, and in how many rounds: the more, the more it depends on where tasks wake up.
LOADS = {
    "keep-alive": (lambda port: wrk(port, "/200", 50), 9),
    "64 KiB": (lambda port: wrk(port, "/65536", 20), 9),
    "new connection": (lambda port: wrk(port, "/200", 50, "-H", "Connection: close"), 7),
    "bulk": (bulk, 3),
}


def once(load, run, way):
    """Rate, and CPU nanoseconds per unit."""
    port, pids = way
    before, began = cpu_nanoseconds(pids()), time.monotonic()
    rate = run(port)
    work = rate * (time.monotonic() - began) if load != "bulk" else 8 * BULK_BYTES
    return rate, (cpu_nanoseconds(pids()) - before) / max(work, 1)


def measure(ways):
    """Per load and way: rates and CPU nanoseconds per unit, one of each round."""
    rates, costs = {}, {}
    for load, (run, rounds) in LOADS.items():
        for i in range(rounds):
            # None always follows the same one, whose closed connections it would inherit.
            for way in Random(i).sample([*ways], len(ways)):
                rate, cost = once(load, run, ways[way])
                rates.setdefault((load, way), []).append(rate)
                costs.setdefault((load, way), []).append(cost)
    return rates, costs


def following_costs(ways, load):
    """Of following against protocol=tcp, one right after the other, and often: it is little beside
    the noise of a machine."""
    run, ratios = LOADS[load][0], []
    for i in range(PAIRS):
        cost = {way: once(load, run, ways[way])[1]
                for way in ("slotd", "slotd tcp")[:: 1 if i % 2 else -1]}
        ratios.append(cost["slotd"] / cost["slotd tcp"])
    return median(ratios)


def against(values, load, peer):
    """slotd's part of a peer's, round by round: what slows the machine down slows both."""
    pairs = zip(values[load, "slotd"], values[load, peer])
    return median([own / other for own, other in pairs])


def idle(port, pids):
    before = pss_kib(pids())
    p = subprocess.Popen(
        [BENCH / "client", "hold", str(port), str(IDLE)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )
    line = p.stdout.readline()
    if not line.startswith("holding"):
        sys.exit("benchmark: the idle connections could not be opened")
    time.sleep(3)
    woken = wakeups(pids())
    time.sleep(3)
    woken = (wakeups(pids()) - woken) / 3
    memory = (pss_kib(pids()) - before) * 1024 / IDLE
    p.stdin.close()
    p.wait()
    return memory, woken


def main():
    with Bench("relay") as b:
        backend = free_port()
        b.start(BENCH / "backend", str(backend))
        wait_until(lambda: answers(backend), "the backend")
        ways = {}
        for way, start in WAYS.items():
            ways[way] = start(b, backend)
            port = ways[way][0]
            wait_until(lambda p=port: answers(p), way)
        rates, costs = measure(ways)
        rows = []
        for load in LOADS:
            direct = median(rates[load, "direct"])
            for way in ways:
                unit = "MB/s" if load == "bulk" else "/s"
                rate, cost = median(rates[load, way]), median(costs[load, way])
                shown = f"{cost * 1.073741824:.2f} s/GiB" if load == "bulk" else f"{cost / 1000:.1f} us"
                scaled = rate / (1e6 if load == "bulk" else 1)
                rows.append([load, way, f"{scaled:.0f} {unit}", f"{rate / direct:.2f}", shown])
        report(rows, ["load", "way", "rate", "of direct", "CPU per request"])
        held = {}
        for way in ("slotd", "haproxy", "nginx"):
            held[way] = idle(*ways[way])
        report(
            [[w, f"{m:.0f} B", f"{k:.1f}/s"] for w, (m, k) in held.items()],
            [f"{IDLE} idle connections", "memory each", "wake-ups"],
        )
        for load in ("keep-alive", "64 KiB", "new connection"):
            rate = min(against(rates, load, peer) for peer in ("haproxy", "nginx"))
            cost = max(against(costs, load, peer) for peer in ("haproxy", "nginx"))
            floor_line(f"{load} against the best", rate, 0.95, True)
            floor_line(f"{load} CPU against the least", cost, 1.0, False)
            floor_line(f"{load} CPU of following, against protocol=tcp",
                       following_costs(ways, load), 1.05, False)
        floor_line("bulk against proxyd", against(rates, "bulk", "proxyd"), 0.95, True)
        floor_line("bytes per idle connection", held["slotd"][0], 512, False)
        floor_line("wake-ups a second when idle", held["slotd"][1], 0, False)


if __name__ == "__main__":
    main()
