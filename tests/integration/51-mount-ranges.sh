#!/usr/bin/env bash
# Any range and any single offset opens by its name, listed or not; what is
# not there is ENOENT.
. "$(dirname "$0")/lib.sh"

new_topic topic
kfeed produce -t "$topic" --count 2000 --codec zstd --batch-records 100
kfeed txn -t "$topic" --txid "$topic" --script 'c5 a5 c5'
repo=$T/repo
backup "$repo" "$topic" --segment-bytes=20000
mounted "$repo" "$T/m"
dir=$T/m/$topic/0
cat "$dir"/*.jsonl >"$T/all"

# range NAME FIRST LAST
range()
{
    jq -c "select(.offset >= $2 and .offset <= $3)" "$T/all" | jsonl_dump \
        >"$T/want"
    jsonl_dump <"$dir/$1" >"$T/have"
    check_same "$T/want" "$T/have"
    check_equal "$(stat -c %s "$dir/$1")" "$(cat "$dir/$1" | wc -c)"
}

ranges()
{
    range 0-99.jsonl 0 99
    range 150-1249.jsonl 150 1249
    range 00000000000000000007-00000000000000001990.jsonl 7 1990
    range 1998-2003.jsonl 1998 2003
    # The aborted records and the markers are not there.
    range 1999-2020.jsonl 1999 2020
}

single_records()
{
    local n
    for n in 0 42 99 100 1999 2000; do
        check_equal "$(jq .offset "$dir/$n.jsonl")" $n
        check_equal "$(wc -l <"$dir/$n.jsonl")" 1
        check_equal "$(stat -c %s "$dir/$n.jsonl")" \
            "$(cat "$dir/$n.jsonl" | wc -c)"
    done
}

# absent NAME...
absent()
{
    local name
    for name; do
        expect_fail stat "$dir/$name" 2>"$T/said"
        check_says 'No such file' "$T/said"
    done
}

reads_anywhere()
{
    local file=$dir/0-1999.jsonl size at
    size=$(stat -c %s "$file")
    cat "$file" >"$T/whole"
    for at in 0 1 4095 4096 131071 131072 200000 $((size / 2)) \
        $((size - 5000)); do
        tail -c +$((at + 1)) "$file" | head -c 5000 >"$T/have" || :
        tail -c +$((at + 1)) "$T/whole" | head -c 5000 >"$T/want" || :
        check_same "$T/want" "$T/have"
    done
}

requests()
{
    jq ".requests.$1.count" "$T/m/@status"
}

# asked NAME: how many lookups ten looks at it cost, and @status itself.
asked()
{
    local before i
    stat "$dir/$1" >"$T/stat"
    before=$(requests lookup)
    for i in 1 2 3 4 5 6 7 8 9 10; do
        stat "$dir/$1" >"$T/stat"
    done
    echo $(($(requests lookup) - before))
}

# What cannot change is asked for once; what can, and what is not there, is
# asked for each time.
remembers_what_cannot_change()
{
    local name before i
    for name in 5-1200.jsonl -1200.values 7.log; do
        [ "$(asked "$name")" -lt 5 ] || fail "$name is not remembered"
    done
    for name in latest.jsonl 5-.jsonl 5-99999.log; do
        [ "$(asked "$name")" -ge 10 ] || fail "$name is remembered"
    done
    before=$(requests lookup)
    for i in 1 2 3 4 5 6 7 8 9 10; do
        [ ! -e "$dir/99999.jsonl" ]
    done
    [ $(($(requests lookup) - before)) -ge 10 ] || fail "absence is remembered"
}

t "ranges, padded or not" ranges
t "single records" single_records
t "offsets without a record" absent 2005.jsonl 2006.jsonl 9999.jsonl
t "names that are none" absent x x.jsonl 9-8.jsonl 1.txt 1--2.jsonl - -.jsonl \
    99999999999999999999.jsonl 1.jsonl.swp .hidden
t "reads at any place" reads_anywhere
t "the kernel remembers what cannot change" remembers_what_cannot_change
t "nothing of this is listed" \
    check_equal "$(ls "$dir" | grep -vc '^[0-9]\{20\}-[0-9]\{20\}.jsonl$')" 0
unmounted "$T/m"
