#!/usr/bin/env bash
# Transactions committed, aborted and open, seen as librdkafka sees them, at
# whatever offset reading begins (H3).
. "$(dirname "$0")/lib.sh"

new_topic topic
kfeed produce -t "$topic" -p 0 --count 7
echo | kfeed txn -t "$topic" -p 0 --txid "$topic-a" --script 'c5 a3 c2 a4 a1'
# A transaction that stays open while others come and go, and is aborted.
coproc LONG { kfeed txn -t "$topic" -p 0 --txid "$topic-b" --script 'o2'; }
read -r _ <&"${LONG[0]}"
echo | kfeed txn -t "$topic" -p 0 --txid "$topic-c" --script 'c3 a2 c1'
echo abort >&"${LONG[1]}"
wait "$LONG_PID" || :
echo | kfeed txn -t "$topic" -p 0 --txid "$topic-a" --script 'a2 c2'
coproc OPEN { kfeed txn -t "$topic" -p 0 --txid "$topic-d" --script 'o4'; }
read -r _ <&"${OPEN[0]}"
open=$OPEN_PID

# Offsets of the records that our fetcher and filter keep, from one on.
kept()
{
    kwire fetch -t "$topic" -o "$@" | awk -v from="$1" '
        $1 == "batch" && $6 == "keep" {
            for (o = $3; o <= $4; o++)
                if (o >= from)
                    print o
        }
        $1 != "batch" { print }'
}

theirs()
{
    kfeed dump -t "$topic" -p 0 -o "$1" | cut -d'|' -f1
}

agree_at_every_offset()
{
    local end offset
    end=$(kfeed offsets -t "$topic" | cut -d' ' -f3)
    [ "$end" -ge 35 ] || fail "only $end offsets"
    theirs 0 >"$T/theirs"
    for ((offset = 0; offset < end; offset++)); do
        awk -v from="$offset" '$1 >= from' "$T/theirs" >"$T/want"
        kept "$offset" >"$T/got"
        check_same "$T/want" "$T/got"
    done
    kept 0 --by-name >"$T/got"
    check_same "$T/theirs" "$T/got"
    # one batch an answer: a state that lives across answers
    kept 0 -X fetch.message.max.bytes=1 >"$T/got"
    check_same "$T/theirs" "$T/got"
}

open_ones_are_not_handed_out()
{
    kwire fetch -t "$topic" | awk '$1 == "batch" { n += $5 } END { print n }' \
        >"$T/committed"
    kwire fetch -t "$topic" --uncommitted |
        awk '$1 == "batch" { n += $5 } END { print n }' >"$T/all"
    check_equal "$(($(cat "$T/all") - $(cat "$T/committed")))" 4
}

t "the same records as librdkafka, from every offset" agree_at_every_offset
t "records of an open transaction wait" open_ones_are_not_handed_out
kill "$open" 2>/dev/null || :
