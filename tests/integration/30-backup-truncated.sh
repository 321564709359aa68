#!/usr/bin/env bash
# The broker lost records that we have (an unclean election, a restored
# disk): nothing is stored on top of them, and both offsets are named (H17).
. "$(dirname "$0")/lib.sh"

private_broker
new_topic topic
kfeed produce -t "$topic" -p 0 --count 100 --batch-records 10 --seed 1
backup "$T/repo" "$topic"
kbak cat "$T/repo" "$topic/0" >"$T/before"

# The last batches of the log are gone, as after a crash without fsync.
lose_the_tail()
{
    local log=$KB_KAFKA_LOGS/$topic-0/00000000000000000000.log
    broker kill --private "$T/broker"
    truncate -s $(($(stat -c %s "$log") / 2)) "$log"
    rm -f "$KB_KAFKA_LOGS/$topic-0"/*.{index,timeindex,snapshot} \
        "$KB_KAFKA_LOGS/$topic-0/leader-epoch-checkpoint" \
        "$KB_KAFKA_LOGS"/recovery-point-offset-checkpoint \
        "$KB_KAFKA_LOGS"/replication-offset-checkpoint
    broker restart --private "$T/broker"
}

a_shorter_log()
{
    lose_the_tail
    expect_status 1 backup "$T/repo" "$topic" 2>"$T/err"
    check_says "$topic/0: the log was truncated.* ends at offset .* up to 99" "$T/err"
    kbak cat "$T/repo" "$topic/0" | cmp - "$T/before"
}

# Longer than ours again, with other records below our offset: only the
# leader epoch shows it.
other_records_on_top()
{
    kfeed produce -t "$topic" -p 0 --count 200 --seed 2
    expect_status 1 backup "$T/repo" "$topic" 2>"$T/err"
    check_says "$topic/0: the log was truncated" "$T/err"
    kbak cat "$T/repo" "$topic/0" | cmp - "$T/before"
    kbak verify "$T/repo"
}

t "a log that ends below our offset" a_shorter_log
t "a log that has grown past it with other records" other_records_on_top
