#!/usr/bin/env bash
# SIGINT and SIGTERM: what is whole is published, the status is 128+n, the
# words say how to go on.
. "$(dirname "$0")/lib.sh"

new_topic topic --partitions 2
for p in 0 1; do
    kfeed produce -t "$topic" -p $p --count 3000 --size 20000 --codec none
done

stopped_by()
{
    local pid status=0
    # small answers make it long enough to be stopped on the way
    "$KB_BUILD/backup/kbak" backup -b "$KAFKA" -t "$topic" \
        -X fetch.message.max.bytes=50000 \
        -X fetch.max.bytes=50000 -X message.max.bytes=20000 "$T/$1" \
        2>"$T/err" &
    pid=$!
    wait_until 30 test -d "$T/$1/meta/$topic"
    kill -s "$1" $pid
    wait $pid || status=$?
    check_equal $status "$2"
    check_says 'run the same command again to go on' "$T/err"
    kbak verify "$T/$1"
    kbak ls --json "$T/$1" >"$T/ls"
    check_equal "$(jq .last_run.complete "$T/ls")" false
    backup "$T/$1" "$topic"
    holds_topic "$T/$1" "$topic"
    kbak ls --json "$T/$1" >"$T/ls"
    check_equal "$(jq .last_run.complete "$T/ls")" true
}

t "SIGINT" stopped_by INT 130
t "SIGTERM" stopped_by TERM 143
