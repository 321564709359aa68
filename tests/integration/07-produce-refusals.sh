#!/usr/bin/env bash
# What a real broker refuses is said in words that help.
. "$(dirname "$0")/lib.sh"

new_topic source
kfeed produce -t "$source" -p 0 --count 100 --size 1000 --codec none
log=$KB_KAFKA_LOGS/$source-0/00000000000000000000.log
wait_until 10 test -s "$log"

as_they_are()
{
    new_topic target
    kwire produce -t "$target" -p 0 "$log" >"$T/out"
    check_says '^end 100$' "$T/out"
    kwire produce -t "$target" -p 0 "$log" >"$T/out"
    check_says '^stored 100 ' "$T/out"
    kfeed dump --no-offset -t "$source" -p 0 >"$T/want"
    kfeed dump --no-offset -t "$target" -p 0 -o 100 >"$T/got"
    check_same "$T/want" "$T/got"
}

# refused STATUS WORDS CONFIG...
refused()
{
    local status=$1 words=$2
    shift 2
    new_topic target "$@"
    kwire produce -t "$target" -p 0 "$log" >"$T/out"
    check_says "^error $status $target/0: .*$words" "$T/out"
    check_says '^end 0$' "$T/out"
}

# EMSGSIZE 90, EREMOTEIO 121
t "verbatim batches" as_they_are
t "a batch too large for the topic" \
    refused 90 max.message.bytes -c max.message.bytes=1000
t "a timestamp that the topic refuses" \
    refused 121 'INVALID_TIMESTAMP.*message.timestamp.before' \
    -c message.timestamp.before.max.ms=1
t "a topic that is not there" expect_fail kwire produce -t "$source-no" -p 0 \
    "$log"
