#!/usr/bin/env bash
# Where a first run begins, and what lies before it: a gap with its reason.
. "$(dirname "$0")/lib.sh"

new_topic topic
kfeed produce -t "$topic" -p 0 --count 100 --ts 1700000000000:1000
kfeed delete-records -t "$topic" -p 0 --before 10

first_offset()
{
    kbak cat "$1" "$topic/0" | head -n 1 | jq .offset
}

gaps()
{
    find "$1/data" -name '*.gap' -printf '%f\n' | sort
}

from_the_beginning()
{
    backup "$T/begin" "$topic"
    holds_topic "$T/begin" "$topic"
    check_equal "$(first_offset "$T/begin")" 10
    check_equal "$(gaps "$T/begin")" \
        00000000000000000000-00000000000000000010.gap
    jq -e '.reason == "retention"' "$T"/begin/data/*/*/0/*.gap
}

from_an_offset()
{
    kbak backup -q -b "$KAFKA" -t "$topic" -o 42 "$T/offset"
    check_equal "$(first_offset "$T/offset")" 42
    check_equal "$(gaps "$T/offset" | wc -l)" 2
    jq -e '.reason == "not-asked"' \
        "$T"/offset/data/*/*/0/*10-*42.gap
    kfeed dump -t "$topic" -p 0 -o 42 >"$T/want"
    kbak cat "$T/offset" "$topic/0" | jsonl_dump >"$T/have"
    check_same "$T/want" "$T/have"
    kbak verify "$T/offset"
}

from_a_time()
{
    # record 77 is the first at or after this
    kbak backup -q -b "$KAFKA" -t "$topic" -o 2023-11-14T22:14:36.500 \
        "$T/time"
    check_equal "$(first_offset "$T/time")" 77
    kbak verify "$T/time"
}

# -o is for a first run; the next goes on where this one ended.
then_it_goes_on()
{
    kfeed produce -t "$topic" -p 0 --count 5
    kbak backup -q -b "$KAFKA" -t "$topic" -o beginning "$T/offset"
    check_equal "$(kbak cat "$T/offset" "$topic/0" | wc -l)" 63
    kbak verify "$T/offset"
}

beyond_the_end()
{
    kbak backup -q -b "$KAFKA" -t "$topic" -o 100000 "$T/late"
    kfeed produce -t "$topic" -p 0 --count 5
    backup "$T/late" "$topic"
    check_equal "$(kbak cat "$T/late" "$topic/0" | wc -l)" 5
    kbak verify "$T/late"
}

not_a_place()
{
    expect_status 2 kbak backup -q -b "$KAFKA" -t "$topic" -o soon "$T/x" \
        2>"$T/err"
    check_says soon "$T/err"
}

t "from the beginning: what retention took is a gap" from_the_beginning
t "from an offset: what lies before is not asked for" from_an_offset
t "from a time" from_a_time
t "a second run goes on where the first ended" then_it_goes_on
t "an offset beyond the end begins at the end" beyond_the_end
t "no offset and no time is a usage error" not_a_place
