#!/usr/bin/env bash
# Damage of any file of a repository is found and its place named, and verify
# goes on after it.
. "$(dirname "$0")/lib.sh"

new_topic topic --partitions 2
kfeed produce -t "$topic" -p 0 --count 3000 --size 300 --codec zstd \
    --batch-records 200
kfeed produce -t "$topic" -p 1 --count 100 --codec none
kbak backup -q -b "$KAFKA" -t "$topic" -o 10 --compression=verbatim \
    --segment-bytes 64K "$T/repo"

segments()
{
    find "$T/repo/data/$topic" -path "*/0/*.log" | sort
}

# flip FILE POSITION: one bit; the same again puts it back.
flip()
{
    /usr/bin/python3 - "$1" "$2" <<'PY'
import sys
with open(sys.argv[1], "r+b") as f:
    f.seek(int(sys.argv[2]))
    byte = f.read(1)[0]
    f.seek(int(sys.argv[2]))
    f.write(bytes([byte ^ 0x04]))
PY
}

# finds NAME: verify fails and says so of NAME.
finds()
{
    expect_status 1 kbak verify "$T/repo" >"$T/said" 2>&1
    check_says "$1" "$T/said"
}

# The header's fields: base offset, length, leader epoch (which no checksum
# of Kafka's covers), magic, CRC, attributes, count; and the records.
flips_in_a_batch()
{
    local segment name at
    segment=$(segments | sed -n 2p)
    name=${segment#"$T/repo/"}
    for at in 7 11 15 16 20 22 60 61 200 \
        $(($(stat -c %s "$segment") / 2)) $(($(stat -c %s "$segment") - 1))
    do
        flip "$segment" "$at"
        finds "damaged: $name"
        check_says ': 1 place damaged$' "$T/said"
        flip "$segment" "$at"
    done
}

flips_in_other_files()
{
    local file size at
    find "$T/repo" -type f ! -name '*.log' >"$T/files"
    check_equal "$(grep -cE '\.(gap|sqlite|json)$' "$T/files")" \
        "$(wc -l <"$T/files")"
    while read -r file; do
        size=$(stat -c %s "$file")
        for at in 0 $((size / 4)) $((size / 2)) $((size - 3)); do
            flip "$file" $at
            # A descriptor may look like that of a newer format.
            finds "${file#"$T/repo/"}|uses the feature|of format"
            flip "$file" $at
        done
    done <"$T/files"
}

every_file_cut()
{
    local file size keep
    find "$T/repo" -type f >"$T/files"
    while read -r file; do
        cp "$file" "$T/kept"
        size=$(stat -c %s "$file")
        for keep in 0 1 $((size / 2)) $((size - 1)); do
            truncate -s $keep "$file"
            finds "${file#"$T/repo/"}"
            cp "$T/kept" "$file"
        done
    done <"$T/files"
}

# Cut where a batch ends: every checksum in it holds.
a_segment_cut_between_batches()
{
    local segment length
    segment=$(segments | head -n 1)
    length=$(/usr/bin/python3 -c '
import struct, sys
head = open(sys.argv[1], "rb").read(12)
print(12 + struct.unpack(">i", head[8:])[0])' "$segment")
    cp "$segment" "$T/kept"
    truncate -s "$length" "$segment"
    finds "damaged: ${segment#"$T/repo/"}: its "
    cp "$T/kept" "$segment"
}

a_lost_segment()
{
    local segment next
    segment=$(segments | sed -n 2p)
    next=$(segments | sed -n 3p)
    mv "$segment" "$T/kept"
    finds "damaged: ${segment#"$T/repo/"}: in the index, but not in"
    check_says "${next#"$T/repo/"}: offsets .* before it are" "$T/said"
    mv "$T/kept" "$segment"
}

all_damage_is_named()
{
    local file
    cp -r "$T/repo" "$T/bad"
    find "$T/bad/data/$topic" -name '*.log' | sort >"$T/files"
    while read -r file; do
        flip "$file" 100
    done <"$T/files"
    expect_status 1 kbak verify --json "$T/bad" >"$T/json"
    jq -r '.findings[] | select(.kind == "damage") | .object' "$T/json" |
        sort >"$T/objects"
    sed "s|^$T/bad/||" "$T/files" >"$T/want"
    check_same "$T/want" "$T/objects"
    check_equal "$(jq .sound "$T/json")" false
    check_equal "$(jq .damages "$T/json")" "$(wc -l <"$T/files")"
}

foreign_files_are_a_warning()
{
    touch "$T/repo/notes.txt" "$T/repo/data/$topic/x"
    kbak verify "$T/repo" >"$T/said"
    check_says "warning: notes.txt: " "$T/said"
    check_says "warning: data/$topic/x: " "$T/said"
    rm "$T/repo/notes.txt" "$T/repo/data/$topic/x"
}

sound()
{
    kbak verify "$T/repo" >"$T/said"
    check_says ' 3,080 records, .*: sound$' "$T/said"
    check_equal "$(wc -l <"$T/said")" 1
}

t "a sound repository is sound" sound
t "a flipped bit in a batch" flips_in_a_batch
t "a flipped bit in any other file" flips_in_other_files
t "any file cut short" every_file_cut
t "a segment cut between two batches" a_segment_cut_between_batches
t "a segment that is lost" a_lost_segment
t "all damage is named, not the first only" all_damage_is_named
t "foreign files are a warning" foreign_files_are_a_warning
t "and all is sound as before" sound
