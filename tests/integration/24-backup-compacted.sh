#!/usr/bin/env bash
# A compacted topic: holes, tombstones, batches without records (F1). The
# backup ends, and the next run finds nothing to do.
. "$(dirname "$0")/lib.sh"

new_topic topic -c cleanup.policy=compact -c min.cleanable.dirty.ratio=0.01 \
    -c max.compaction.lag.ms=1000 -c segment.ms=1000 \
    -c delete.retention.ms=100

lines()
{
    for i in $(seq 1 40); do
        echo "{\"key\":\"k$((i % 4))\",\"payload\":\"$1-$i\"}"
    done
    echo '{"key":"k1","payload":null}'
}

for round in 1 2 3; do
    lines $round | kfeed lines -t "$topic" -p 0
    sleep 1.3
done
lines last | kfeed lines -t "$topic" -p 0

is_compacted()
{
    [ "$(kfeed dump -t "$topic" -p 0 | wc -l)" -lt 100 ]
}

compacted_log()
{
    wait_until 90 is_compacted
    backup "$T/repo" "$topic"
    # the cleaner may run between the two looks: then look again
    holds_topic "$T/repo" "$topic" || {
        sleep 5
        rm -r "$T/repo"
        backup "$T/repo" "$topic"
        holds_topic "$T/repo" "$topic"
    }
}

nothing_new()
{
    local before
    before=$(find "$T/repo/data" -type f | sort)
    kbak backup --json -q -b "$KAFKA" -t "$topic" "$T/repo" >"$T/json"
    check_equal "$(jq .records "$T/json")" 0
    check_equal "$(find "$T/repo/data" -type f | sort)" "$before"
}

t "holes and tombstones" compacted_log
t "a second run finds nothing to do" nothing_new
