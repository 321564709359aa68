#!/usr/bin/env bash
# kill -9 of the broker in the middle: no record is lost, none doubled.
. "$(dirname "$0")/lib.sh"
private_broker

new_topic source
kfeed produce -t "$source" -p 0 --count 30000 --size 1000 \
    --ts 1600000000000:1
backup "$T/repo" "$source"
kbak cat "$T/repo" "$source/0" >"$T/lines"

killed()
{
    local pid
    new_topic target
    krestore --batch 20000 "$T/repo" "$target/0=$T/lines" >"$T/out" 2>&1 &
    pid=$!
    wait_until 30 has_some
    broker kill --private "$T/broker"
    broker start --private "$T/broker"
    wait "$pid"
    check_says '^restored .* records 30000$' "$T/out"
    kfeed dump --no-offset -t "$source" -p 0 >"$T/want"
    kfeed dump --no-offset -t "$target" -p 0 >"$T/got"
    check_same "$T/want" "$T/got"
}

has_some()
{
    [ -n "$(find "$KB_KAFKA_LOGS/$target-0" -name '*.log' -size +100k)" ]
}

t "the broker dies and comes back" killed
