#!/usr/bin/env bash
# Segments that are truncated, missing, unreadable or replaced, and storage that
# fails for a while: EIO where it is touched, right bytes everywhere else, and
# the log names what is wrong.
. "$(dirname "$0")/lib.sh"

repo=$T/repo
karchive "$repo" orders 1 6 4000 200
kbak cat "$repo" orders/0 >"$T/all"
dir=$T/m/orders/0

# segment N: of six.
segment()
{
    printf '%s/0/%020d.log' "$(echo "$repo"/data/orders/*)" $(($1 * 4000))
}

# file N
file()
{
    printf '%s/%020d-%020d.jsonl' "$dir" $(($1 * 4000)) $(($1 * 4000 + 3999))
}

# text N: as it was.
text()
{
    sed -n "$(($1 * 4000 + 1)),$(($1 * 4000 + 4000))p" "$T/all"
}

eio()
{
    local status=0
    cat "$(file "$1")" >"$T/got" 2>"$T/said" || status=$?
    check_equal "$status" 1
    check_says 'Input/output error' "$T/said"
    # What came is right.
    text "$1" >"$T/want"
    cmp -n "$(stat -c %s "$T/got")" "$T/want" "$T/got"
    check_says "$(basename "$(segment "$1")")" "$T/m.log"
}

good()
{
    local n
    for n; do
        text "$n" | check_same - "$(file "$n")"
    done
}

damage()
{
    truncate -s -100 "$(segment 0)"
    mv "$(segment 1)" "$T/kept"
    rm "$(segment 2)" && mkdir "$(segment 2)"
    cp "$(segment 5)" "$T/other" && mv "$T/other" "$(segment 3)"
    eio 0
    eio 1
    eio 2
    eio 3
    good 4 5
    # Sizes come from the index; the rest of a damaged one can be read.
    check_equal "$(stat -c %s "$(file 0)")" "$(text 0 | wc -c)"
    check_equal "$(wc -l <"$dir/0-9.jsonl")" 10
    mv "$T/kept" "$(segment 1)"
    good 1
}

# What was read before need not be read again; the rest is EIO, then is not.
storage_fails()
{
    good 4
    touch "$T/broken"
    good 4
    eio 5
    rm "$T/broken"
    good 1 5
}

# Of the index: what is open and kept in memory is no excuse for wrong bytes.
index_fails()
{
    touch "$T/broken"
    expect_fail find "$T/m" -type f 2>"$T/said"
    check_says 'Input/output error' "$T/said"
    rm "$T/broken"
    check_equal "$(find "$T/m" -type f | wc -l)" 6
    good 4 5
}

# The log cannot be written: nobody is there to tell, and all goes on.
log_is_full()
{
    mounted "$repo" "$T/m" log=/dev/full
    mv "$(segment 0)" "$T/kept"
    expect_fail cat "$(file 0)" 2>"$T/said"
    mv "$T/kept" "$(segment 0)"
    good 0 4 5
    unmounted "$T/m"
}

mount_broken()
{
    rm -f "$T/broken"
    FAULTY_DIR=$repo/$1 FAULTY_READS=$T/broken \
        LD_PRELOAD=$KB_BUILD/tests/tools/faulty.so mounted "$repo" "$T/m"
}

mount_broken data
t "storage that fails for a while" storage_fails
unmounted "$T/m"
mount_broken index
t "an index that fails for a while" index_fails
unmounted "$T/m"
t "a log that cannot be written" log_is_full
mounted "$repo" "$T/m"
t "truncated, missing, unreadable, replaced" damage
unmounted "$T/m"
