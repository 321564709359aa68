#!/usr/bin/env bash
# A compacted log: holes, batches that lost their first or all records,
# tombstones with a delete horizon, an empty end.
. "$(dirname "$0")/lib.sh"

new_topic topic -c cleanup.policy=compact -c min.cleanable.dirty.ratio=0.01 \
    -c max.compaction.lag.ms=1000 -c segment.ms=1000

# keys FIRST LAST VALUE [TS]
keys()
{
    seq "$1" "$2" | while read -r i; do
        echo "{${4+\"ts\":$4,}\"key\":\"k$i\",\"payload\":$3}"
    done | kfeed lines -t "$topic" --linger 200
}

keys 0 9 '"all of these go"' 1700000000000
keys 0 999 '"first"' 1700000000100
keys 5 700 '"second"' 1700000000200
keys 17 18 null 1700000000300
keys 0 9 '"third"' 1700000000400

# A record of today closes the segment; the cleaner then takes it.
compacted()
{
    keys 10000 10000 '"close"'
    [ "$(kfeed dump -t "$topic" -p 0 | head -n 1 | cut -d'|' -f1)" -gt 9 ]
}
wait_until 90 compacted

for compression in auto verbatim zstd; do
    t "$compression: the backup ends well" \
        backup "$T/$compression" "$topic" --compression=$compression
    t "$compression: what is left is the same" \
        holds_topic "$T/$compression" "$topic"
    t "$compression: verify finds nothing" kbak verify "$T/$compression"
    t "$compression: holes are not gaps" \
        check_equal "$(find "$T/$compression" -name '*.gap')" ""
done
