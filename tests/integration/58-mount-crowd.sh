#!/usr/bin/env bash
# Very many segments: everything that lists or sizes files does so from the
# index alone (there is no segment that it could open), page by page.
. "$(dirname "$0")/lib.sh"

repo=$T/repo
"$KB_BUILD/tests/bench/kcrowd" "$repo" wide:1:100000 few:3:500
mounted "$repo" "$T/m"

# peak_below MIB
peak_below()
{
    local kib
    kib=$(awk '/^VmHWM/ { print $2 }' "/proc/${MOUNTS[$T/m]}/status")
    [ "$kib" -lt $(($1 * 1024)) ] || fail "used $kib KiB"
}

sizes()
{
    kbak ls --json "$repo" |
        jq '[.topics[].partitions[].text_bytes] | add'
}

tools()
{
    check_equal "$(ls "$T/m/wide/0" | wc -l)" 100000
    check_equal "$(find "$T/m" -type f | wc -l)" 101500
    check_equal "$(ls -lR "$T/m" | grep -c '\.jsonl$')" 101500
    check_equal "$(ls -l "$T/m/few/2" | awk '{ n += $5 } END { printf "%.0f\n", n }')" \
        "$(find "$T/m/few/2" -type f -printf '%s\n' |
            awk '{ n += $1 } END { printf "%.0f\n", n }')"
    check_equal "$(find "$T/m" -type f -printf '%s\n' |
        awk '{ n += $1 } END { printf "%.0f\n", n }')" "$(sizes)"
    [ "$(du -s --block-size=1 "$T/m/few" | cut -f1)" -ge \
        "$(find "$T/m/few" -type f -printf '%s\n' |
            awk '{ n += $1 } END { printf "%.0f\n", n }')" ]
}

opens_nothing()
{
    [ ! -e "$repo/data" ]
    expect_fail cat "$T/m/few/0/0-99.jsonl"
    check_equal "$(grep -c 'few/.*/0/00000000000000000000.log' "$T/m.log")" 1
    check_equal "$(wc -l <"$T/m.log")" 1
}

# Every listing meanwhile is whole: each name once, none missing, in order.
grows_meanwhile()
{
    (
        for ((i = 0; i < 20; i++)); do
            "$KB_BUILD/tests/bench/kcrowd" "$repo" \
                wide:1:100:$((100000 + i * 100))
        done
    ) &
    until [ "${last-0}" = 102000 ]; do
        ls -U "$T/m/wide/0" | awk -F '[-.]' '
            $1 + 0 != (NR - 1) * 100 { print "line " NR ": " $0; exit 1 }
            END { if (NR < 100000) exit 1; print NR }' >"$T/listed"
        last=$(tail -n 1 "$T/listed")
    done
    wait $!
}

t "a mount takes little memory" peak_below 64
t "ls, find and du tell all" tools
t "none of them opens a segment" opens_nothing
t "a listing is whole while the partition grows" grows_meanwhile
t "memory does not grow" peak_below 100
unmounted "$T/m"
