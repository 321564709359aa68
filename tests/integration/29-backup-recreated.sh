#!/usr/bin/env bash
# A topic that is deleted and created again is another topic (H6): its own
# directory, the old one stays and is shown as topic@1.
. "$(dirname "$0")/lib.sh"

new_topic topic
kfeed produce -t "$topic" -p 0 --count 30 --seed 1
backup "$T/repo" "$topic"
kbak cat "$T/repo" "$topic/0" >"$T/first"
kfeed delete -t "$topic"
kfeed create -t "$topic"
kfeed produce -t "$topic" -p 0 --count 50 --seed 2

between_two_runs()
{
    backup "$T/repo" "$topic"
    holds_topic "$T/repo" "$topic"
    check_equal "$(kbak cat "$T/repo" "$topic/0" | wc -l)" 50
    kbak cat "$T/repo" "$topic@1/0" >"$T/old"
    check_same "$T/first" "$T/old"
    check_equal "$(find "$T/repo/data/$topic" -mindepth 1 -maxdepth 1 |
        wc -l)" 2
}

# Deleted while a run is under way: the run has a segment, then the topic
# goes. Small answers make the run long enough.
during_a_run()
{
    local pid status=0
    new_topic big
    kfeed produce -t "$big" -p 0 --count 4000 --size 20000 --codec none
    kbak backup -b "$KAFKA" -t "$big" -X fetch.message.max.bytes=100000 \
        -X fetch.max.bytes=100000 -X message.max.bytes=50000 \
        -X message.timeout.ms=40000 --segment-bytes=1M "$T/during" \
        2>"$T/err" &
    pid=$!
    wait_until 30 test -d "$T/during/data/$big"
    kfeed delete -t "$big"
    wait $pid || status=$?
    kbak verify "$T/during"
    if [ $status = 0 ]; then
        fail "the run ended before the topic was gone: make it longer"
    fi
    check_equal $status 1
    check_says "$big/0: " "$T/err"
    kbak ls "$T/during" "$big/0" >"$T/ls"
    check_says deleted "$T/ls"
}

t "between two runs: a new incarnation beside the old" between_two_runs
t "during a run: a gap, and a non-zero exit" during_a_run
