#!/usr/bin/python3
"""Users of payinv: load.py HOST:PORT CLIENTS FILE. Half of the clients open a connection for every
request, the others keep theirs. Until SIGTERM; every second and at the end FILE has one line:

    REQUESTS FAILED A B CROSSED LAST-FAILURE

A and B are the answers of each slot. A failure is a refused or broken connection, a short answer or
a status other than 200. CROSSED, no failure, counts requests sent on a kept connection in the very
moment in which the server closed it, as HTTP allows between requests; they were asked again.
"""

import http.client
import os
import signal
import sys
import threading

HEADERS = {"Host": "payinv.example"}
PAUSE = 0.01  # between two requests of a client, seconds


class Users:
    def __init__(self, address, clients):
        self.host, _, self.port = address.rpartition(":")
        self.lock = threading.Lock()
        self.ended = threading.Event()
        self.slots = {"a": 0, "b": 0}
        self.failed = self.crossed = 0
        self.last_failure = ""
        self.threads = [threading.Thread(target=self.one, args=(i % 2 == 1,))
                        for i in range(clients)]
        for thread in self.threads:
            thread.start()

    def one(self, keeps):
        connection, answered = None, 0
        while not self.ended.wait(PAUSE):
            if connection is None:
                connection = http.client.HTTPConnection(self.host, int(self.port), timeout=20)
                answered = 0
            try:
                self.ask(connection, keeps)
                answered += 1
            except (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError) as error:
                self.count_failure(error, crossed=answered > 0)
                keep_it = False
            except (OSError, http.client.HTTPException, AssertionError) as error:
                self.count_failure(error)
                keep_it = False
            else:
                keep_it = keeps and connection.sock is not None
            if not keep_it:
                connection.close()
                connection = None

    def ask(self, connection, keeps):
        connection.request("GET", "/", headers={
            **HEADERS, "Connection": "keep-alive" if keeps else "close"})
        answer = connection.getresponse()
        body = answer.read().decode()
        assert answer.status == 200, f"status {answer.status}: {body.strip()}"
        with self.lock:
            self.slots[body[0]] += 1

    def count_failure(self, error, crossed=False):
        with self.lock:
            if crossed:
                self.crossed += 1
            else:
                self.failed += 1
                self.last_failure = repr(error)

    def report(self, path):
        with self.lock:
            text = (f"{sum(self.slots.values()) + self.failed} {self.failed} {self.slots['a']} "
                    f"{self.slots['b']} {self.crossed} {self.last_failure}\n")
        with open(path + ".new", "w") as out:
            out.write(text)
        os.rename(path + ".new", path)


def main():
    address, clients, path = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    users = None

    def end(*_):
        users.ended.set()

    # Before the threads exist, so that the signal is this one's.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    users = Users(address, clients)
    signal.signal(signal.SIGTERM, end)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
    while not users.ended.wait(0.5):
        users.report(path)
    for thread in users.threads:
        thread.join()
    users.report(path)


main()
