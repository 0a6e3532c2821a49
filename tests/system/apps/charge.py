"""charge.py PORT LOG: carries out a POST once its head is there, as a WSGI server does; then reads its body.

What was carried out is a line of LOG: the request's target.
"""

import os
import socketserver
import sys
import time

LOG = os.open(sys.argv[2], os.O_WRONLY | os.O_APPEND)


class Charge(socketserver.BaseRequestHandler):
    def handle(self):
        got = b""
        while data := self.request.recv(8192):
            got += data
            if b"\r\n\r\n" in got:
                head, _, got = got.partition(b"\r\n\r\n")
                self.carry_out(head, got)
                got = b""

    def carry_out(self, head, body):
        os.write(LOG, head.split(b" ")[1] + b"\n")
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
