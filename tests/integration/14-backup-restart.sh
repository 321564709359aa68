#!/usr/bin/env bash
# The broker is killed and comes back while a run is under way: the run waits
# and completes.
. "$(dirname "$0")/lib.sh"

private_broker
new_topic topic --partitions 2
kfeed produce -t "$topic" --count 4000 --size 20000 --codec none
repo=$T/repo

published()
{
    [ -n "$(segments "$repo" 2>/dev/null)" ]
}

survives()
{
    local pid status=0
    # Small answers make it long enough for the broker to go on the way.
    kbak backup -b "$KAFKA" -t "$topic" --segment-bytes=100000 \
        -X fetch.message.max.bytes=50000 \
        "$repo" >"$T/said" 2>&1 &
    pid=$!
    wait_until 60 published
    broker kill --private "$T/broker"
    broker start --private "$T/broker"
    wait "$pid" || status=$?
    cat "$T/said"
    check_equal "$status" 0
}

t "a run survives the broker's restart" survives
t "every record is the same" holds_topic "$repo" "$topic"
t "verify finds nothing" kbak verify "$repo"
