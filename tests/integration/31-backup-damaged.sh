#!/usr/bin/env bash
# A bit flips in the broker's log (H13): that partition stops there and is
# named, the others go on; --skip-damaged records a gap instead.
. "$(dirname "$0")/lib.sh"

private_broker
new_topic topic --partitions 2
for p in 0 1; do
    kfeed produce -t "$topic" -p $p --count 100 --batch-records 10 --size 200
done

# In the values of the batch that holds record 45; header and lengths stay.
log=$KB_KAFKA_LOGS/$topic-0/00000000000000000000.log
position=$(broker java kafka.tools.DumpLogSegments --files "$log" |
    sed -n 's/.*baseOffset: 40 .* position: \([0-9]*\) .*/\1/p')
printf '\377' | dd of="$log" bs=1 seek=$((position + 700)) conv=notrunc \
    status=none

others_go_on()
{
    expect_status 1 backup "$T/repo" "$topic" 2>"$T/err"
    check_says "$topic/0: at offset 40: .*" "$T/err"
    check_equal "$(kbak cat "$T/repo" "$topic/0" | wc -l)" 40
    holds_topic "$T/repo" "$topic" 1
    kbak verify "$T/repo"
}

again_and_again()
{
    expect_status 1 backup "$T/repo" "$topic" 2>"$T/err"
    check_says "$topic/0: at offset 40: .*" "$T/err"
    check_equal "$(kbak cat "$T/repo" "$topic/0" | wc -l)" 40
}

told_to_skip()
{
    expect_status 1 kbak backup -q -b "$KAFKA" -t "$topic" --skip-damaged \
        "$T/repo" 2>"$T/err"
    check_says 'recorded as a gap' "$T/err"
    kbak cat "$T/repo" "$topic/0" | jq .offset >"$T/have"
    { seq 0 39; seq 50 99; } >"$T/want"
    check_same "$T/want" "$T/have"
    jq -e '.reason == "damaged"' "$T"/repo/data/*/*/0/*.gap
    kbak verify "$T/repo"
    backup "$T/repo" "$topic"
}

t "the partition stops at the damage, the others go on" others_go_on
t "it stops there again" again_and_again
t "--skip-damaged records a gap and goes on" told_to_skip
