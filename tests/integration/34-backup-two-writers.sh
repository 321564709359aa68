#!/usr/bin/env bash
# Two backups into one repository at once (H7): one of them may be told that
# it came second; no record is lost, none is there twice.
. "$(dirname "$0")/lib.sh"

new_topic topic --partitions 4
for p in 0 1 2 3; do
    kfeed produce -t "$topic" -p $p --count 2000 --size 500 --batch-records 50
done

run()
{
    kbak backup -q -b "$KAFKA" -t "$topic" --segment-bytes 20K "$T/$1" \
        2>"$T/err.$2"
}

at_once()
{
    local one two status_one=0 status_two=0
    run "repo.$1" a &
    one=$!
    run "repo.$1" b &
    two=$!
    wait $one || status_one=$?
    wait $two || status_two=$?
    case $status_one$status_two in
    00) ;;
    01) check_says 'another backup' "$T/err.b" ;;
    10) check_says 'another backup' "$T/err.a" ;;
    11) check_says 'another backup' "$T/err.a"
        check_says 'another backup' "$T/err.b" ;;
    *) fail "statuses $status_one and $status_two" ;;
    esac
    run "repo.$1" c
    holds_topic "$T/repo.$1" "$topic"
}

for i in 1 2 3 4 5; do
    t "two writers at once, round $i" at_once $i
done
