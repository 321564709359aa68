#!/usr/bin/python3
"""Who leads what in a cluster of several nodes.

    klead.py create TOPIC REPLICAS...   a partition each: nodes as 2,3,1, of
                                        which the first leads
    klead.py move TOPIC REPLICAS...     the same nodes in another order, and
                                        the first leads again
    klead.py elect TOPIC PARTITION...   partitions without a leader get one
                                        that is not in sync: records are lost

$KAFKA names the brokers. Returns when the controller has done it.
"""
import os
import socket
import struct
import sys
import time

DEADLINE = 60
PREFERRED, UNCLEAN = 0, 1
ELECTION_NOT_NEEDED = 84


def text(s):
    return struct.pack(">h", len(s)) + s.encode()


def array(items):
    return struct.pack(">i", len(items)) + b"".join(items)


def compact(items):
    """Flexible encoding; shorter than 127 items."""
    return bytes([len(items) + 1]) + b"".join(items)


def ints(numbers):
    return [struct.pack(">i", n) for n in numbers]


def exchange(api, version, body, flexible=False):
    """Asks the first broker that is there: they all ask the controller."""
    request = (struct.pack(">hhi", api, version, 1) + text("klead") +
               (b"\0" if flexible else b"") + body)
    for broker in os.environ["KAFKA"].split(","):
        host, port = broker.rsplit(":", 1)
        try:
            with socket.create_connection((host, int(port)), DEADLINE) as s:
                s.sendall(struct.pack(">i", len(request)) + request)
                answer = s.makefile("rb")
                size, = struct.unpack(">i", answer.read(4))
                return answer.read(size)[4 + flexible:]
        except (OSError, struct.error) as e:
            why = e
    sys.exit("klead: %s" % why)


def create(topic, replicas):
    """CreateTopics v2."""
    places = array([struct.pack(">i", p) + array(ints(nodes))
                    for p, nodes in enumerate(replicas)])
    answer = exchange(19, 2, array(
        [text(topic) + struct.pack(">ih", -1, -1) + places + array([])]) +
        struct.pack(">i?", DEADLINE * 1000, False))
    check(struct.unpack_from(">h", answer, 4 + 4 + 2 + len(topic))[0], topic)


def reorder(topic, replicas):
    """AlterPartitionReassignments v0: nothing moves but the order."""
    name = topic.encode()
    places = compact([struct.pack(">i", p) + compact(ints(nodes)) + b"\0"
                      for p, nodes in enumerate(replicas)])
    answer = exchange(45, 0, struct.pack(">i", DEADLINE * 1000) + compact(
        [bytes([len(name) + 1]) + name + places + b"\0"]) + b"\0",
        flexible=True)
    check(struct.unpack_from(">h", answer, 4)[0], topic)


def elect(kind, topic, partition):
    """ElectLeaders v1, until it has worked."""
    end = time.monotonic() + DEADLINE
    while True:
        answer = exchange(43, 1, struct.pack(">b", kind) + array(
            [text(topic) + array(ints([partition]))]) +
            struct.pack(">i", DEADLINE * 1000))
        error = error_of(answer, topic)
        # A leader that is dead may count as alive for a while.
        if not error or (kind == PREFERRED and error == ELECTION_NOT_NEEDED):
            return
        if time.monotonic() > end:
            check(error, topic)
        time.sleep(0.1)


def error_of(answer, topic):
    """Of the request, or of its one partition."""
    error, topics = struct.unpack_from(">hi", answer, 4)
    if error or not topics:
        return error
    return struct.unpack_from(">h", answer, 4 + 6 + 2 + len(topic) + 8)[0]


def check(error, topic):
    if error:
        sys.exit("klead: %s: error %d" % (topic, error))


def main():
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    verb, topic, rest = sys.argv[1], sys.argv[2], sys.argv[3:]
    if verb == "elect":
        for partition in rest:
            elect(UNCLEAN, topic, int(partition))
        return
    replicas = [[int(n) for n in one.split(",")] for one in rest]
    if verb == "create":
        create(topic, replicas)
    elif verb == "move":
        reorder(topic, replicas)
        for partition in range(len(replicas)):
            elect(PREFERRED, topic, partition)
    else:
        sys.exit(__doc__)


main()
