#!/usr/bin/env bash
# The mount: a directory a topic and a partition, a file a segment, a line a
# record, in order, with exact sizes.
. "$(dirname "$0")/lib.sh"

new_topic topic --partitions 3
kfeed produce -t "$topic" --count 6000 --codec zstd --batch-records 100 \
    --ts 1700000000000:10
repo=$T/repo
backup "$repo" "$topic" --segment-bytes=20000
mounted "$repo" "$T/m"

layout()
{
    check_equal "$(ls "$T/m")" "$topic"
    check_equal "$(ls "$T/m/$topic" | paste -sd' ')" "0 1 2"
    ls "$T/m/$topic/0" >"$T/names"
    check_equal "$(wc -l <"$T/names")" \
        "$(segments "$repo" | grep -c '/0/[0-9]*\.log')"
    expect_fail grep -vE '^[0-9]{20}-[0-9]{20}\.jsonl$' "$T/names"
    # One file begins where the other ended.
    tr '-' ' ' <"$T/names" | sed 's/\.jsonl//' | {
        next=0
        while read -r first last; do
            check_equal "$((10#$first))" "$next"
            next=$((10#$last + 1))
        done
        check_equal "$next" 2000
    }
}

like_kcat()
{
    for partition in 0 1 2; do
        kcat -b "$KAFKA" -C -J -t "$topic" -p $partition -o beginning -e -q |
            sed 's/"broker":[-0-9]*,//' >"$T/kcat"
        cat "$T/m/$topic/$partition"/*.jsonl >"$T/files"
        check_same "$T/kcat" "$T/files"
    done
}

sizes_are_exact()
{
    local file
    for file in "$T/m/$topic"/*/*.jsonl; do
        check_equal "$(stat -c %s "$file")" "$(cat "$file" | wc -c)"
        check_equal "$(stat -c %b "$file")" \
            "$((($(stat -c %s "$file") + 511) / 512))"
    done
    [ "$(du -s --apparent-size -B1 "$T/m/$topic" | cut -f1)" -ge \
        "$(cat "$T/m/$topic"/*/*.jsonl | wc -c)" ]
    [ "$(du -s "$T/m/$topic" | cut -f1)" -gt 0 ]
}

links_and_modes()
{
    check_equal "$(stat -c %h "$T/m/$topic")" 5
    check_equal "$(stat -c %h "$T/m/$topic/0")" 2
    check_equal "$(stat -c %F "$T/m/$topic/0")" directory
    check_equal "$(find "$T/m" -type f -perm /222 | wc -l)" 0
}

inodes_rise()
{
    ls -Ui "$T/m/$topic/1" | sort -n | awk '{print $2}' >"$T/by-inode"
    ls "$T/m/$topic/1" >"$T/by-name"
    check_same "$T/by-name" "$T/by-inode"
    check_equal "$(ls -i "$T/m/$topic"/*/* | awk '{print $1}' | sort -u |
        wc -l)" "$(ls "$T/m/$topic"/*/* | wc -l)"
}

newest_record_is_mtime()
{
    local file
    for file in "$T/m/$topic/2"/*; do
        check_equal "$(stat -c %Y "$file")" \
            "$(jq .ts "$file" | sort -n | tail -n 1 | cut -c1-10)"
    done
}

statfs_and_root()
{
    df "$T/m" >"$T/df"
    stat "$T/m" >"$T/root"
}

t "a file a segment, without holes" layout
t "content is what kcat prints" like_kcat
t "sizes and blocks are exact" sizes_are_exact
t "links and modes" links_and_modes
t "inode numbers rise with the offset, each its own" inodes_rise
t "mtime is the newest record's" newest_record_is_mtime
t "df and stat of the root" statfs_and_root
unmounted "$T/m"
