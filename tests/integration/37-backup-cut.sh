#!/usr/bin/env bash
# A backup ends exactly at the last stable offset that was there when it
# began (H8), inside a batch if need be, though records keep coming.
. "$(dirname "$0")/lib.sh"

new_topic topic
kfeed produce -t "$topic" -p 0 --count 1000 --size 500 --batch-records 100

while_records_keep_coming()
{
    local feeder
    ( while :; do
        kfeed produce -t "$topic" -p 0 --count 200 --size 500
    done ) >/dev/null 2>&1 &
    feeder=$!
    for i in 1 2 3 4 5; do
        kbak backup --json -q -b "$KAFKA" -t "$topic" "$T/repo" >"$T/json"
        jq -e .complete "$T/json"
    done
    kill $feeder
    wait $feeder || :
    backup "$T/repo" "$topic"
    holds_topic "$T/repo" "$topic"
}

# An open transaction inside the log: its first offset is the cut.
inside_a_batch()
{
    kbak backup -q -b "$KAFKA" -t "$topic" -o 950 "$T/first"
    check_equal "$(kbak cat "$T/first" "$topic/0" | head -n 1 | jq .offset)" \
        950
    kbak verify "$T/first"
}

t "it ends though records keep coming" while_records_keep_coming
t "a batch is cut at its border" inside_a_batch
