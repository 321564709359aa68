#!/usr/bin/env bash
# The broker dies, hangs, or stays away in the middle of a backup: nothing is
# lost and nothing doubled.
. "$(dirname "$0")/lib.sh"

private_broker
pid_file=$T/kbak.pid

new_topic topic --partitions 3
for p in 0 1 2; do
    kfeed produce -t "$topic" -p $p --count 20000 --batch-records 50 \
        --size 200
done

count_segments()
{
    find "$1/data" -name '*.log' 2>/dev/null | wc -l
}

has_segments()
{
    [ "$(count_segments "$1")" -ge "$2" ]
}

# begin REPO [OPTION]...: a backup, stopped when it has published a little. It
# holds little in memory, so most has yet to come from the broker.
begin()
{
    local repo=$1
    shift
    "$KB_BUILD/backup/kbak" backup -q -b "$KAFKA" -t "$topic" \
        --compression=verbatim --segment-bytes 50000 --memory 1M \
        -X fetch.message.max.bytes=20000 \
        -X request.timeout.ms=1000 -X socket.timeout.ms=2000 "$@" "$repo" \
        2>"$T/err" &
    echo $! >"$pid_file"
    wait_until 30 has_segments "$repo" 5
    kill -STOP "$(cat "$pid_file")"
}

go_on()
{
    kill -CONT "$(cat "$pid_file")"
}

# What began is not yet all.
is_partial()
{
    local n
    n=$(count_segments "$1")
    echo "$n segments when the broker went"
    [ "$n" -lt 150 ] || fail "too quick: the backup had nearly ended"
}

ends_well()
{
    local status=0
    wait "$(cat "$pid_file")" || status=$?
    cat "$T/err"
    check_equal $status 0
}

killed()
{
    local repo=$T/killed
    begin "$repo"
    broker kill --private "$T/broker"
    is_partial "$repo"
    go_on
    broker start --private "$T/broker"
    ends_well
    holds_topic "$repo" "$topic"
}

restarted()
{
    local repo=$T/restarted
    begin "$repo"
    is_partial "$repo"
    go_on
    broker restart --private "$T/broker"
    ends_well
    holds_topic "$repo" "$topic"
}

signal_broker()
{
    local line
    for line in /proc/[0-9]*/cmdline; do
        if tr '\0' ' ' <"$line" 2>/dev/null |
            grep -q "kafka.Kafka $T/broker/server.properties"; then
            line=${line#/proc/}
            kill "-$1" "${line%/cmdline}"
        fi
    done
}

# As a long garbage collection: connections stay, answers do not come.
hung()
{
    local repo=$T/hung
    begin "$repo"
    is_partial "$repo"
    signal_broker STOP
    go_on
    sleep 4 # longer than the time that a request is given
    kill -0 "$(cat "$pid_file")"
    signal_broker CONT
    ends_well
    holds_topic "$repo" "$topic"
}

stays_away()
{
    local repo=$T/away status=0
    begin "$repo" -X message.timeout.ms=3000
    broker kill --private "$T/broker"
    is_partial "$repo"
    go_on
    wait "$(cat "$pid_file")" || status=$?
    cat "$T/err"
    check_equal $status 1
    check_says "${KAFKA//./\\.}" "$T/err"
    kbak verify "$repo"
    broker start --private "$T/broker"
    backup "$repo" "$topic"
    holds_topic "$repo" "$topic"
}

t "killed and started again" killed
t "stopped and started again" restarted
t "hanging for longer than a request may take" hung
t "not coming back: an error, and the next run completes" stays_away
