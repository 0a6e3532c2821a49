"""charge.py PORT LOG [SEEN]: carries out a POST once its head is there, as a WSGI server does; then reads its body.

What was carried out is a line of LOG: the request's target. What it is about to read is one of SEEN.
"""

import os
import socket
import socketserver
import sys
import time

LOG = os.open(sys.argv[2], os.O_WRONLY | os.O_APPEND)
SEEN = os.open(sys.argv[3], os.O_WRONLY | os.O_APPEND) if len(sys.argv) > 3 else None


def target(head):
    return head.split(b" ")[1] + b"\n"


class Charge(socketserver.BaseRequestHandler):
    def handle(self):
        got = b""
        while data := self.request.recv(8192, socket.MSG_PEEK):
            if SEEN and b"\r\n\r\n" in got + data:
                os.write(SEEN, target(got + data))
            got += self.request.recv(len(data))
            if b"\r\n\r\n" in got:
                head, _, got = got.partition(b"\r\n\r\n")
                self.carry_out(head, got)
                got = b""

    def carry_out(self, head, body):
        os.write(LOG, target(head))
        time.sleep(0.005)
        missing = int(head.partition(b"Content-Length: ")[2]) - len(body)
        while missing:
            data = self.request.recv(missing)
            if not data:
                return
            missing -= len(data)
        self.request.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ndone")


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = daemon_threads = True
    request_queue_size = 64


Server(("127.0.0.1", int(sys.argv[1])), Charge).serve_forever()
