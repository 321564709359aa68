#!/usr/bin/env bash
# A repository grows, and its index is merged, damaged and rebuilt, while it is
# mounted: what is new appears, and what was there stays as it was.
. "$(dirname "$0")/lib.sh"

repo=$T/repo
dir=$T/m/orders/0
karchive "$repo" orders 2 1 100 50
mounted "$repo" "$T/m"

grow()
{
    karchive "$repo" "${1-orders}" 2 1 100 50
}

# lists N: that many segments are there.
lists()
{
    [ "$(find "$dir" -name '*.jsonl' | wc -l)" = "$1" ]
}

# Until it is stopped: every listed file can be read and never changes.
read_on()
{
    local file sum
    local -A sums=()
    until [ -e "$T/stop" ]; do
        find "$T/m" -type f >"$T/found"
        while read -r file; do
            sum=$(sha256sum <"$file")
            [ "${sums[$file]=$sum}" = "$sum" ] || fail "$file has changed"
        done <"$T/found"
        [ "$(wc -l <"$T/found")" -ge ${#sums[@]} ] || fail "files are gone"
    done
}

merges_do_no_harm()
{
    local i status=0
    read_on 2>"$T/read.err" &
    for i in {1..40}; do
        grow
    done
    wait_until 20 lists 41
    [ "$(find "$repo/index" -name '*.sqlite' | wc -l)" -lt 10 ]
    touch "$T/stop"
    wait $! || status=$?
    check_equal "$status$(cat "$T/read.err")" 0
    kbak cat "$repo" orders/0 >"$T/all"
    cat "$dir"/* | check_same "$T/all" -
}

new_ones_appear()
{
    grow
    wait_until 20 lists 42
    grow other
    wait_until 20 test -f "$T/m/other/1/0-99.jsonl"
    karchive "$repo" other 3 0 0 0
    wait_until 20 test -d "$T/m/other/2"
}

open_files_stay()
{
    exec 5<"$dir/0-4199.jsonl"
    kbak reindex "$repo"
    grow
    wait_until 20 lists 43
    cat <&5 | check_same "$T/all2" -
    exec 5<&-
}

says_once()
{
    grep -q 'what was read before is still shown' "$T/m.log"
}

index_file_gone()
{
    local file
    file=$(find "$repo/index" -name '0000000001-*.sqlite')
    mv "$file" "$T/kept"
    wait_until 20 says_once
    lists 43
    cat "$dir"/* >"$T/still"
    head -n 4200 "$T/still" | check_same "$T/all2" -
    mv "$T/kept" "$file"
    grow
    wait_until 20 lists 44
    check_equal "$(grep -c 'still shown' "$T/m.log")" 1
}

is_gone()
{
    [ ! -e "$1" ]
}

# segment START: of the first partition.
segment()
{
    echo "$repo"/data/orders/*/0/"$(printf %020d "$1").log"
}

# Names and sizes are kept by the kernel until the index denies them.
reindex_leaves_out()
{
    local file=$dir/00000000000000000100-00000000000000000199.jsonl
    local open=$dir/00000000000000000200-00000000000000000299.jsonl
    wc -l "$file" "$open"
    exec 5<"$open"
    mv "$(segment 100)" "$(segment 200)" "$T"
    kbak reindex "$repo"
    wait_until 20 is_gone "$file"
    lists 42
    expect_fail cat "$open"
    check_equal "$(cat <&5 | wc -l)" 100
    exec 5<&-
}

# As kbakfs(8) has it, with shorter pauses.
follows_by_tail()
{
    local file=$T/m/tailed/0/latest.jsonl pid
    karchive "$repo" tailed 1 1 10 50
    wait_until 20 test -e "$file"
    tail -s 0.05 -n +1 -F "$file" >"$T/tailed" 2>/dev/null &
    pid=$!
    for i in 10 20 30; do
        wait_until 20 has_lines "$T/tailed" "$i"
        karchive "$repo" tailed 1 1 10 50
    done
    wait_until 20 has_lines "$T/tailed" 40
    kill $pid
    kbak cat "$repo" tailed/0 | check_same - "$T/tailed"
}

follows_by_a_loop()
{
    local dir=$T/m/looped/0 next=0
    (
        for _ in {1..10}; do
            karchive "$repo" looped 1 1 10 50
        done
    ) &
    until [ $next = 100 ]; do
        cat "$dir/$next-.jsonl" >"$T/new" 2>/dev/null || continue
        cat "$T/new" >>"$T/looped"
        next=$(($(tail -n 1 "$T/new" | jq .offset) + 1))
    done
    wait $!
    kbak cat "$repo" looped/0 | check_same - "$T/looped"
}

has_lines()
{
    [ "$(wc -l <"$1")" = "$2" ]
}

by_the_clock()
{
    FAULTY_WATCHES=1 LD_PRELOAD=$KB_BUILD/tests/tools/faulty.so \
        mounted "$repo" "$T/m2"
    wait_until 20 grep -q 'No space left on device; looking every second' \
        "$T/m2.log"
    grow third
    wait_until 20 test -d "$T/m2/third/1"
    unmounted "$T/m2"
}

t "merges of the index under readers do no harm" merges_do_no_harm
t "new segments, partitions and topics appear" new_ones_appear
kbak cat "$repo" orders/0 >"$T/all2"
t "open files outlive a reindex" open_files_stay
t "an index file that is gone is said once, and nothing else" index_file_gone
t "what a new index leaves out is gone" reindex_leaves_out
t "tail -F of latest.jsonl follows" follows_by_tail
t "a polling loop misses nothing and doubles nothing" follows_by_a_loop
t "without inotify it looks every second" by_the_clock
unmounted "$T/m"
