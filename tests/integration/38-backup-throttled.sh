#!/usr/bin/env bash
# A quota makes the broker answer late and empty: that is not the end (H5).
. "$(dirname "$0")/lib.sh"

new_topic topic
kfeed produce -t "$topic" -p 0 --count 300 --size 20000 --codec none
client=kb-$topic
broker java kafka.admin.ConfigCommand --bootstrap-server "$KAFKA" --alter \
    --entity-type clients --entity-name "$client" \
    --add-config consumer_byte_rate=2000000 >/dev/null

all_the_same()
{
    kbak backup -vv -b "$KAFKA" -t "$topic" -X client.id="$client" \
        "$T/repo" 2>"$T/err"
    holds_topic "$T/repo" "$topic"
}

t "a throttled backup is complete" all_the_same
