#!/usr/bin/python3
"""What a segment file holds, by kafka-python: one line a record.

    offset|timestamp|create or logappend or none|key|value|name=value,...

Bytes are hex, `-` is null; a header name keeps letters, digits and `._-`,
the rest is %XX. Records of control batches are left out; records of aborted
transactions are there, for a file alone does not tell them apart.
"""
import sys

from kafka.record import MemoryRecords


def show(data):
    return "-" if data is None else data.hex()


def show_name(name):
    return "".join(
        chr(c) if chr(c).isascii() and (chr(c).isalnum() or chr(c) in "._-")
        else "%%%02X" % c for c in name.encode())


def main():
    with open(sys.argv[1], "rb") as f:
        records = MemoryRecords(f.read())
    while records.has_next():
        batch = records.next_batch()
        if batch.is_control_batch:
            continue
        for r in batch:
            kind = ["create", "logappend"][r.timestamp_type]
            print("%d|%d|%s|%s|%s|%s" % (
                r.offset, r.timestamp, kind if r.timestamp != -1 else "none",
                show(r.key), show(r.value),
                ",".join("%s=%s" % (show_name(n), show(v))
                         for n, v in r.headers)))


main()
