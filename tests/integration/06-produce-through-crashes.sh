#!/usr/bin/env bash
# A broker that dies again and again while batches are written: each is there
# once, in order (H10). The records are years old, so that brokers soon forget
# their producer.
. "$(dirname "$0")/lib.sh"

private_broker
new_topic source
kfeed produce -t "$source" -p 0 --count 4000 --batch-records 20 \
    --ts 1500000000000:1 --codec lz4
log=$KB_KAFKA_LOGS/$source-0/00000000000000000000.log

# Broker's answers are lost when it is killed at any moment.
killed_at_any_moment()
{
    new_topic target
    kwire produce -t "$target" -p 0 "$log" >"$T/out" &
    for n in 20 60 100; do
        wait_until 60 stored "$n"
        broker kill --private "$T/broker"
        broker start --private "$T/broker"
    done
    wait $!
    if grep error "$T/out"; then
        fail "not everything was stored"
    fi
    kfeed dump --no-offset -t "$source" -p 0 >"$T/want"
    kfeed dump --no-offset -t "$target" -p 0 >"$T/got"
    check_same "$T/want" "$T/got"
}

stored()
{
    [ "$(grep -c stored "$T/out")" -ge "$1" ]
}

t "each batch is there once, in order" killed_at_any_moment
