#!/usr/bin/env bash
# The broker deletes what was not backed up yet: a gap, said, and the backup
# goes on behind it (F2).
. "$(dirname "$0")/lib.sh"

new_topic topic
kfeed produce -t "$topic" -p 0 --count 20 --batch-records 10
backup "$T/repo" "$topic"
kfeed produce -t "$topic" -p 0 --count 100 --batch-records 10

a_hole_between_two_runs()
{
    kfeed delete-records -t "$topic" -p 0 --before 55
    expect_status 1 backup "$T/repo" "$topic" 2>"$T/err"
    check_says "$topic/0: the broker has deleted offsets 20 to 54" "$T/err"
    kbak verify "$T/repo"
    kbak cat "$T/repo" "$topic/0" | jq .offset >"$T/have"
    { seq 0 19; seq 55 119; } >"$T/want"
    check_same "$T/want" "$T/have"
    kbak ls "$T/repo" "$topic/0" >"$T/ls"
    check_says 'retention' "$T/ls"
}

said_once()
{
    kfeed produce -t "$topic" -p 0 --count 3
    backup "$T/repo" "$topic"
    check_equal "$(kbak cat "$T/repo" "$topic/0" | wc -l)" 88
}

everything_deleted()
{
    kfeed produce -t "$topic" -p 0 --count 10
    kfeed delete-records -t "$topic" -p 0 --before 133
    expect_status 1 backup "$T/repo" "$topic" 2>"$T/err"
    check_says 'offsets 123 to 132' "$T/err"
    backup "$T/repo" "$topic"
    kfeed produce -t "$topic" -p 0 --count 1
    backup "$T/repo" "$topic"
    check_equal "$(kbak cat "$T/repo" "$topic/0" | tail -n 1 | jq .offset)" \
        133
    kbak verify "$T/repo"
}

t "a hole between two runs is a gap and is said" a_hole_between_two_runs
t "it is said once" said_once
t "a log that was emptied" everything_deleted
