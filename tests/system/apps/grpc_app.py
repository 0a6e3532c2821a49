"""grpc_app.py ADDRESS SLOT: a gRPC worker. Method /t/one answers "SLOT" after 20 ms, /t/ten sends it ten
times within two seconds. SIGTERM ends it as gRPC's guide says: GOAWAY, then what is open is finished."""

import signal
import sys
import time
from concurrent import futures

# Blocked in all threads, of which gRPC has its own, and waited for: a handler runs only when the main
# thread wakes up.
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
import grpc  # noqa: E402


def one(_, __):
    time.sleep(0.02)
    return sys.argv[2].encode()


def ten(_, __):
    for _ in range(10):
        time.sleep(0.2)
        yield sys.argv[2].encode()


server = grpc.server(futures.ThreadPoolExecutor(32), options=[("grpc.so_reuseport", 0)])
server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("t", {
    "one": grpc.unary_unary_rpc_method_handler(one),
    "ten": grpc.unary_stream_rpc_method_handler(ten)}),))
if not server.add_insecure_port(sys.argv[1]):
    sys.exit(f"cannot bind {sys.argv[1]}")
server.start()
signal.sigwait({signal.SIGTERM})
server.stop(30).wait()
