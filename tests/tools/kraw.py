#!/usr/bin/python3
"""One record batch from JSON lines on stdin, straight to a broker.

    kraw.py -t TOPIC [-p PARTITION] [-b BROKER] [--gzip]

For what client libraries alter: timestamps 0, -1 and below. A line has the
keys of the text view (ts, key, payload, headers); bytes are strings, null or
{"base64": text}. The broker must lead the partition.
"""
import argparse
import base64
import gzip
import json
import os
import socket
import struct
import sys

from kafka.record.util import calc_crc32c


def varint(n):
    n = (n << 1) ^ (n >> 63)
    out = bytearray()
    while n > 0x7F:
        out.append(n & 0x7F | 0x80)
        n >>= 7
    out.append(n)
    return bytes(out)


def field(value):
    if value is None:
        return varint(-1)
    if isinstance(value, dict):
        data = base64.b64decode(value["base64"], validate=True)
    else:
        data = value.encode()
    return varint(len(data)) + data


def record(delta, base_ts, line):
    headers = line.get("headers", [])
    body = (b"\0" + varint(line.get("ts", -1) - base_ts) + varint(delta) +
            field(line.get("key")) + field(line.get("payload")) +
            varint(len(headers) // 2) + b"".join(map(field, headers)))
    return varint(len(body)) + body


def batch(lines, codec):
    """KIP-98's record batch, CreateTime, without a producer id."""
    stamps = [line.get("ts", -1) for line in lines]
    records = b"".join(record(i, stamps[0], line)
                       for i, line in enumerate(lines))
    if codec:
        records = gzip.compress(records)
    tail = struct.pack(">hiqqqhii", codec, len(lines) - 1, stamps[0],
                       max(stamps), -1, -1, -1, len(lines)) + records
    return struct.pack(">qiibI", 0, len(tail) + 9, -1, 2,
                       calc_crc32c(tail)) + tail


def text(s):
    return struct.pack(">h", len(s)) + s.encode()


def exchange(broker, request):
    host, port = broker.rsplit(":", 1)
    with socket.create_connection((host, int(port)), timeout=60) as s:
        s.sendall(struct.pack(">i", len(request)) + request)
        answer = s.makefile("rb")
        size, = struct.unpack(">i", answer.read(4))
        return answer.read(size)


def produce(broker, topic, partition, data):
    """Produce v7, acks=-1; the base offset."""
    request = (struct.pack(">hhi", 0, 7, 1) + text("kraw") +
               struct.pack(">hhii", -1, -1, 30000, 1) + text(topic) +
               struct.pack(">iii", 1, partition, len(data)) + data)
    answer = exchange(broker, request)
    at = 4 + 4 + 2 + len(topic) + 4 + 4
    error, offset = struct.unpack_from(">hq", answer, at)
    if error:
        sys.exit("kraw: %s [%d]: error %d" % (topic, partition, error))
    return offset


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("-b", default=os.environ.get("KAFKA"))
    parser.add_argument("-t", required=True)
    parser.add_argument("-p", type=int, default=0)
    parser.add_argument("--gzip", action="store_true")
    args = parser.parse_args()
    lines = [json.loads(line) for line in sys.stdin]
    print(produce(args.b, args.t, args.p, batch(lines, int(args.gzip))))


main()
