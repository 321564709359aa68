#!/usr/bin/env bash
# A damaged block is EIO for what touches it and nothing else; the log names
# segment and position.
. "$(dirname "$0")/lib.sh"

new_topic topic
kfeed produce -t "$topic" --count 8000 --size 1000 --codec zstd \
    --batch-records 400
repo=$T/repo
backup "$repo" "$topic" --compression=verbatim
segment=$(segments "$repo")
kbak cat "$repo" "$topic/0" >"$T/all"
printf 'XXXX' | dd of="$segment" bs=1 conv=notrunc status=none \
    seek=$(($(stat -c %s "$segment") / 2))
mounted "$repo" "$T/m"
dir=$T/m/$topic/0

eio()
{
    local status=0
    cat "$dir"/*-*.jsonl >"$T/part" 2>"$T/said" || status=$?
    check_equal "$status" 1
    check_says 'Input/output error' "$T/said"
    # What came is right.
    [ -s "$T/part" ]
    cmp -n "$(stat -c %s "$T/part")" "$T/part" "$T/all"
}

the_rest_is_there()
{
    cat "$dir/0-1999.jsonl" >"$T/head"
    head -n 2000 "$T/all" | check_same - "$T/head"
    cat "$dir/7000-7999.jsonl" >"$T/tail"
    tail -n 1000 "$T/all" | check_same - "$T/tail"
}

# Batches carry their checksums: who wants them as they are may have them.
stored_batches_as_they_are()
{
    local name
    name=$(ls "$dir")
    cmp "$dir/${name%.jsonl}.log" "$segment"
    expect_fail cat "$dir/0-.values" >"$T/part" 2>"$T/said"
    check_says 'Input/output error' "$T/said"
}

log_names_it()
{
    check_says "$(basename "$segment")" "$T/m.log"
}

other_tools_fail_too()
{
    expect_fail grep -c . "$dir"/*.jsonl
    expect_fail cp "$dir"/*.jsonl "$T/copy"
}

# What a new index has left out is not in the listing; the log says so.
left_out()
{
    local lost=$T/lost first
    backup "$lost" "$topic" --segment-bytes=50K
    first=$(segments "$lost" | sed -n 2p)
    printf 'XXXX' | dd of="$first" bs=1 conv=notrunc status=none seek=300
    expect_status 1 kbak reindex "$lost" 2>"$T/said"
    mounted "$lost" "$T/ml"
    ls -l "$T/ml/$topic/0" "$T/ml/$topic/0" >"$T/ls"
    unmounted "$T/ml"
    check_equal "$(grep -c "$topic/0: offsets .* are missing" "$T/ml.log")" 1
}

t "a read that touches it fails" eio
t "everything else is readable" the_rest_is_there
t "stored batches are shown as they are" stored_batches_as_they_are
t "the log names the segment" log_names_it
t "grep and cp fail" other_tools_fail_too
t "the log tells what a new index has left out" left_out
unmounted "$T/m"
