#!/usr/bin/python3
"""witness.py PORT: which side of each connection to PORT was the first to end it, by FIN or RST.

Says "listens", or "may not"; and a JSON object when its standard input ends. IPv4 only. A spare
connection is one that the server ended when its client had sent no byte for client_timeout.
"""

import ctypes
import json
import select
import socket
import struct
import sys
import time

ETH_P_IP, SO_ATTACH_FILTER, SO_RCVBUFFORCE, SOL_PACKET, PACKET_STATISTICS = 0x0800, 26, 33, 263, 6
FIN, SYN, RST, ACK = 1, 2, 4, 16
CLIENT_TIMEOUT = 60  # s, as slotd has it
# TCP that opens or ends: ldb [9]; jeq 6; ldx 4*([0]&15); ldb [x+13]; jset FIN|SYN|RST
FILTER = ((0x30, 0, 0, 9), (0x15, 0, 4, 6), (0xB1, 0, 0, 0), (0x50, 0, 0, 13),
          (0x45, 0, 1, FIN | SYN | RST), (6, 0, 0, 64), (6, 0, 0, 0))


def listen():
    packets = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ETH_P_IP))
    code = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *line) for line in FILTER))
    packets.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER,
                       struct.pack("@HP", len(FILTER), ctypes.addressof(code)))
    packets.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 8 << 20)
    packets.setblocking(False)
    for _ in waiting(packets):  # what came before the filter
        pass
    missed(packets)
    return packets


def waiting(packets):
    try:
        while True:
            yield packets.recv(64)
    except BlockingIOError:
        return


def missed(packets):
    """Since the last call."""
    return struct.unpack("=II", packets.getsockopt(SOL_PACKET, PACKET_STATISTICS, 8))[1]


class Ends:
    """A packet may be seen twice, when it leaves and when it comes."""

    def __init__(self, port):
        self.port = port
        self.open = {}  # since when, the client's first sequence number, has the server agreed?
        self.count = {"opened": 0, "by_server": 0, "by_client": 0, "spare": 0}

    def see(self, packet):
        at = (packet[0] & 15) * 4
        source, to, sequence, acknowledged = struct.unpack_from(">HHII", packet, at)
        flags = packet[at + 13]
        if self.port not in (source, to):
            return
        by_server = source == self.port
        flow = packet[16:20] + packet[at + 2:at + 4] if by_server else \
            packet[12:16] + packet[at:at + 2]
        if flags & SYN:
            if not flags & ACK and flow not in self.open:
                self.open[flow] = time.monotonic(), sequence, False
                self.count["opened"] += 1
            elif flags & ACK and flow in self.open:
                self.open[flow] = *self.open[flow][:2], True
        elif flow in self.open:
            since, first, agreed = self.open.pop(flow)
            spare = agreed and flags & ACK and acknowledged == (first + 1) % (1 << 32) and \
                time.monotonic() - since >= CLIENT_TIMEOUT - 1
            self.count["by_client" if not by_server else "spare" if spare else "by_server"] += 1


def main():
    try:
        packets = listen()
    except PermissionError:
        print("may not")
        return
    ends = Ends(int(sys.argv[1]))
    print("listens", flush=True)
    while True:
        ready, _, _ = select.select([packets, 0], [], [])
        for packet in waiting(packets):
            ends.see(packet)
        if 0 in ready:
            break
    print(json.dumps({**ends.count, "missed": missed(packets)}))


main()
