#!/usr/bin/env bash
# A broker that throttles us answers with nothing for a while: not the end
# (H5).
. "$(dirname "$0")/lib.sh"

new_topic topic --partitions 2
kfeed produce -t "$topic" -p 0 --count 1500 --size 1000 --codec none
kfeed produce -t "$topic" -p 1 --count 10
client=slow-$$-$RANDOM

quota()
{
    broker java kafka.admin.ConfigCommand --bootstrap-server "$KAFKA" \
        --alter --entity-type clients --entity-name "$client" "$@"
}

all_is_there()
{
    kwire fetch -t "$topic" -X client.id="$client" \
        -X fetch.message.max.bytes=100000 >"$T/out"
    check_equal "$(awk '$1 == "batch" { n += $5 } END { print n }' \
        "$T/out")" 1510
}

quota --add-config consumer_byte_rate=500000 >/dev/null
t "a throttled fetch goes to the end" all_is_there
quota --delete-config consumer_byte_rate >/dev/null
