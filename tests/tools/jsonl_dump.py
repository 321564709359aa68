#!/usr/bin/python3
"""JSON lines on stdin to the lines of `kfeed dump` on stdout.

An independent reader of the text view: Python's json, and a check of what
it would let pass (unknown keys, their order, base64 of valid UTF-8).
"""
import base64
import hashlib
import json
import sys

ORDER = ["topic", "partition", "offset", "tstype", "ts", "headers", "key",
         "payload"]


def to_bytes(value):
    if value is None or isinstance(value, bytes):
        return value
    if isinstance(value, str):
        return value.encode()
    if list(value) != ["base64"]:
        raise ValueError("an object that is not {base64}")
    data = base64.b64decode(value["base64"], validate=True)
    try:
        data.decode()
    except UnicodeDecodeError:
        return data
    raise ValueError("base64 of what could be a string")


def show(value):
    data = to_bytes(value)
    if data is None:
        return "-"
    if len(data) <= 1024:
        return data.hex()
    return "%s:%d" % (hashlib.sha256(data).hexdigest(), len(data))


def show_name(value):
    return "".join(
        chr(c) if chr(c).isascii() and (chr(c).isalnum() or chr(c) in "._-")
        else "%%%02X" % c for c in to_bytes(value))


def convert(line, with_offset):
    pairs = json.loads(line, object_pairs_hook=lambda p: p)
    names = [name for name, _ in pairs]
    if names != [name for name in ORDER if name in names]:
        raise ValueError("keys %s" % names)
    record = json.loads(line)
    headers = record.get("headers", [])
    if len(headers) % 2 or headers == [] and "headers" in record:
        raise ValueError("headers %s" % headers)
    return "|".join(
        ([str(record["offset"])] if with_offset else []) +
        [str(record.get("ts", -1)), record.get("tstype", "none"),
         show(record["key"]), show(record["payload"]),
         ",".join("%s=%s" % (show_name(n), show(v))
                  for n, v in zip(headers[::2], headers[1::2]))])


def main():
    with_offset = "--no-offset" not in sys.argv[1:]
    for number, line in enumerate(sys.stdin.buffer, 1):
        try:
            print(convert(line.decode(), with_offset))
        except (ValueError, KeyError) as why:
            sys.exit("jsonl_dump: line %d: %s" % (number, why))


main()
