"""grpc_load.py ADDRESS METHOD CHANNELS THREADS [STATUS,...]: calls it all the time until stdin ends; then
prints how many calls each slot answered and how many failed, by their status, as JSON. Calls that fail by
one of the statuses are tried again by the library, as a client's configuration may say."""

import collections
import json
import sys
import threading

import grpc

ended, lock = threading.Event(), threading.Lock()
slots, failed = collections.Counter(), collections.Counter()


def call(method):
    try:
        got = list(method(b"", timeout=30)) if sys.argv[2] == "ten" else [method(b"", timeout=30)]
        with lock:
            slots[got[0].decode()] += 1
    except grpc.RpcError as error:
        with lock:
            failed[f"{error.code().name}: {error.details()}"] += 1


def load(channel):
    kind = channel.unary_stream if sys.argv[2] == "ten" else channel.unary_unary
    method = kind(f"/t/{sys.argv[2]}")
    while not ended.is_set():
        call(method)


OPTIONS = [("grpc.use_local_subchannel_pool", 1)]
if len(sys.argv) > 5:
    OPTIONS.append(("grpc.service_config", json.dumps({"methodConfig": [{"name": [{}], "retryPolicy": {
        "maxAttempts": 4, "initialBackoff": "0.02s", "maxBackoff": "0.5s", "backoffMultiplier": 2,
        "retryableStatusCodes": sys.argv[5].split(",")}}]})))
# Channels to one address share a connection unless they have pools of their own.
channels = [grpc.insecure_channel(sys.argv[1], options=OPTIONS)
            for _ in range(int(sys.argv[3]))]
threads = [threading.Thread(target=load, args=(channel,))
           for channel in channels for _ in range(int(sys.argv[4]))]
for thread in threads:
    thread.start()
sys.stdin.read()
ended.set()
for thread in threads:
    thread.join()
print(json.dumps({"slots": slots, "failed": failed}))
