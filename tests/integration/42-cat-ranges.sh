#!/usr/bin/env bash
# kbak cat: any range, any pipe.
. "$(dirname "$0")/lib.sh"

new_topic topic --partitions 2
kfeed produce -t "$topic" -p 0 --count 5000 --size 400 --codec lz4
kbak backup -q -b "$KAFKA" -t "$topic" --segment-bytes 256K "$T/repo"
kbak cat "$T/repo" "$topic/0" >"$T/all"

# range FIRST LAST: lines FIRST..LAST of all.
range()
{
    kbak cat "$T/repo" "$topic/0" -o "$1-$2" >"$T/range"
    sed -n "$(($1 + 1)),$(($2 + 1))p" "$T/all" >"$T/want"
    check_same "$T/want" "$T/range"
}

ranges()
{
    local first
    check_equal "$(wc -l <"$T/all")" 5000
    for first in 0 1 999 2500 4999; do
        range $first $first
        range $first $((first + 700))
    done
    range 0 99999999
    kbak cat -o 4990 "$T/repo" "$topic/0" >"$T/range"
    tail -n 10 "$T/all" >"$T/want"
    check_same "$T/want" "$T/range"
    check_equal "$(kbak cat -o 5000-6000 "$T/repo" "$topic/0" | wc -l)" 0
    check_equal "$(kbak cat "$T/repo" "$topic/1" | wc -l)" 0
}

same_as_kcat()
{
    kcat -b "$KAFKA" -C -J -t "$topic" -p 0 -o beginning -e -q |
        sed 's/"broker":[-0-9]*,//' >"$T/kcat"
    check_same "$T/kcat" "$T/all"
}

an_early_end_of_the_reader()
{
    kbak cat "$T/repo" "$topic/0" 2>"$T/said" | head -n 1 >"$T/one" ||
        check_equal "${PIPESTATUS[0]}" 141
    check_equal "$(wc -l <"$T/one")" 1
    [ ! -s "$T/said" ] || fail "$(cat "$T/said")"
}

a_full_disk()
{
    expect_status 1 kbak cat "$T/repo" "$topic/0" >/dev/full 2>"$T/said"
    check_says 'standard output: No space left' "$T/said"
}

refusals()
{
    expect_status 1 kbak cat "$T/repo" "$topic/2" 2>"$T/said"
    check_says "$topic/2: no such partition" "$T/said"
    expect_status 1 kbak cat "$T/repo" nothing/0 2>"$T/said"
    check_says "nothing: no such topic" "$T/said"
    expect_status 2 kbak cat "$T/repo" "$topic" 2>"$T/said"
    check_says 'which partition' "$T/said"
    expect_status 2 kbak cat "$T/repo" "$topic/0" -o 5-4
    expect_status 2 kbak cat "$T/repo"
    expect_status 2 kbak cat
    expect_status 1 kbak cat "$T/nothing" "$topic/0" 2>"$T/said"
    check_says 'no such directory' "$T/said"
}

damage_in_the_middle()
{
    local segment size
    cp -r "$T/repo" "$T/bad"
    segment=$(find "$T/bad/data" -name '*.log' | sort | sed -n 2p)
    size=$(stat -c %s "$segment")
    printf 'x' | dd of="$segment" bs=1 seek=$((size - 20)) conv=notrunc \
        status=none
    expect_status 1 kbak cat "$T/bad" "$topic/0" >"$T/part" 2>"$T/said"
    check_says "$(basename "$segment")" "$T/said"
    head -n "$(wc -l <"$T/part")" "$T/all" >"$T/want"
    check_same "$T/want" "$T/part"
}

# A new index leaves a damaged segment out: what is lost must still be said.
lost_segment()
{
    local segment
    cp -r "$T/repo" "$T/lost"
    segment=$(find "$T/lost/data" -name '*.log' | sort | sed -n 2p)
    rm "$segment"
    kbak reindex -q "$T/lost"
    expect_status 1 kbak cat "$T/lost" "$topic/0" >"$T/part" 2>"$T/said"
    check_says "$topic/0: offsets .* are missing" "$T/said"
    [ -s "$T/part" ]
    kbak ls "$T/lost" "$topic" >"$T/ls"
    check_says "$topic/0: offsets .* are MISSING" "$T/ls"
    kbak cat "$T/lost" "$topic/0" -o 0-0 >"$T/first"
    check_equal "$(wc -l <"$T/first")" 1
}

t "ranges" ranges
t "the same text as kcat's" same_as_kcat
t "a reader that ends early" an_early_end_of_the_reader
t "a full disk" a_full_disk
t "refusals" refusals
t "damage ends the output with words" damage_in_the_middle
t "a segment that is lost is said" lost_segment
