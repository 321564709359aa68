#!/usr/bin/env bash
# What is not there any more: each loss has its own name (F2, H6, H17), with
# topic ids and without.
. "$(dirname "$0")/lib.sh"

new_topic topic
kfeed produce -t "$topic" -p 0 --count 100 --batch-records 10
kfeed delete-records -t "$topic" -p 0 --before 45

log_start_moved()
{
    for how in "" --by-name; do
        # shellcheck disable=SC2086
        kwire fetch -t "$topic" -o 10 $how >"$T/out"
        check_says '^gap 0 10 45$' "$T/out"
        check_equal "$(awk '$1 == "batch" { print $3; exit }' "$T/out")" 40
        check_equal "$(awk '$1 == "batch" { o = $4 } END { print o }' \
            "$T/out")" 99
    done
}

beyond_the_end()
{
    for how in "" --by-name; do
        # shellcheck disable=SC2086
        expect_status 2 kwire fetch -t "$topic" -o 500 $how >"$T/out"
        check_says '^truncated 0 500 100$' "$T/out"
        check_says '500' "$T/out"
    done
}

# A line on the fifo starts the fetch that has looked at the topic before.
topic_goes()
{
    mkfifo "$T/go"
    kwire fetch -t "$1" --step <"$T/go" >"$T/out" &
    exec 5>"$T/go"
    wait_until 20 grep -q ready "$T/out"
    kfeed delete -t "$1"
    "${@:2}"
    echo >&5
    exec 5>&-
    expect_status 2 wait $!
    rm "$T/go"
    cat "$T/out"
    check_says '^deleted 0$' "$T/out"
    if grep -q '^batch' "$T/out"; then
        fail "records of another topic"
    fi
}

deleted()
{
    topic_goes "$topic" true
    check_says "^# $topic: " "$T/out"
}

made_again()
{
    kfeed create -t "$again"
    kfeed produce -t "$again" -p 0 --count 20
}

name_topic again
made_again
t "the log begins above our offset" log_start_moved
t "the log ends below our offset" beyond_the_end
t "the topic is deleted" deleted
t "the topic is deleted and made again" topic_goes "$again" made_again
