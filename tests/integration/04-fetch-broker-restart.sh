#!/usr/bin/env bash
# A broker that dies in the middle is waited for, and its log checked: a log
# that lost what we had is not read on (H17).
. "$(dirname "$0")/lib.sh"

private_broker
new_topic topic
kfeed produce -t "$topic" -p 0 --count 1000 --batch-records 100

# Starts when told; the broker is killed before, and comes back later.
killed_while_fetching()
{
    mkfifo "$T/go"
    kwire fetch -t "$topic" --step <"$T/go" >"$T/out" &
    exec 5>"$T/go"
    wait_until 20 grep -q ready "$T/out"
    broker kill --private "$T/broker"
    echo >&5
    exec 5>&-
    broker start --private "$T/broker"
    wait $!
    check_equal "$(awk '$1 == "batch" { n += $5 } END { print n }' \
        "$T/out")" 1000
}

# As after a crash without fsync, on a disk that keeps little.
cut_log()
{
    local log=$KB_KAFKA_LOGS/$topic-0/00000000000000000000.log
    broker kill --private "$T/broker"
    truncate -s $(($(stat -c %s "$log") / 2)) "$log"
    rm -f "$KB_KAFKA_LOGS/$topic-0"/*.{index,timeindex,snapshot} \
        "$KB_KAFKA_LOGS/$topic-0/leader-epoch-checkpoint" \
        "$KB_KAFKA_LOGS"/{recovery-point,replication}-offset-checkpoint
    broker restart --private "$T/broker"
    # longer than it was, with other records in place of those lost
    kfeed produce -t "$topic" -p 0 --count 900 --batch-records 100 --seed 9
    end=$(kfeed offsets -t "$topic" | cut -d' ' -f3)
    [ "$end" -gt 1100 ] || fail "the log ends at $end"
}

truncated_log()
{
    local epoch
    epoch=$(kwire fetch -t "$topic" | awk '$1 == "batch" && $3 == 0 {
        print $8 }')
    cut_log
    expect_status 2 kwire fetch -t "$topic" -o 1000 --epoch "$epoch" \
        >"$T/out"
    cat "$T/out"
    check_says '^truncated 0 1000 [1-9]00$' "$T/out"
    # from where both logs are the same it is read
    kwire fetch -t "$topic" -o 100 --epoch "$epoch" >"$T/out"
    check_says '^batch 0 1000' "$T/out"
}

t "a broker killed while it is read from" killed_while_fetching
t "a log truncated and grown again" truncated_log
