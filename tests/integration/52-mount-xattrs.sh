#!/usr/bin/env bash
# What the index knows of files and directories, as extended attributes; and
# the tools that copy those.
. "$(dirname "$0")/lib.sh"

new_topic topic --partitions 2
kfeed produce -t "$topic" -p 0 --count 2000 --codec zstd --batch-records 100 \
    --ts 1700000000000:1000
repo=$T/repo
backup "$repo" "$topic" --segment-bytes=20000 --compression=verbatim
mounted "$repo" "$T/m"
dir=$T/m/$topic/0

# attr NAME FILE
attr()
{
    getfattr --only-values -n "user.kbak.$1" --absolute-names "$2"
}

# describes FILE LINES-OF-IT: counted from its own lines.
describes()
{
    check_equal "$(attr records "$1")" "$(wc -l <"$2")"
    check_equal "$(attr first_offset "$1")" "$(head -n 1 "$2" | jq .offset)"
    check_equal "$(attr last_offset "$1")" "$(tail -n 1 "$2" | jq .offset)"
    check_equal "$(attr min_timestamp "$1")" "$(jq -s 'map(.ts) | min' "$2")"
    check_equal "$(attr max_timestamp "$1")" "$(jq -s 'map(.ts) | max' "$2")"
}

of_files()
{
    local file
    for file in "$dir"/*.jsonl "$dir"/{150-333,7,1999-,latest}.jsonl; do
        describes "$file" "$file"
        check_equal "$(attr stored_bytes "$file")" \
            "$(stat -c %s "${file%.jsonl}.log")"
    done
    describes "$dir/150-333.values" "$dir/150-333.jsonl"
    describes "$dir/150-333.log" "$dir/100-399.jsonl"
}

# Times of the second half, and a tree as of then.
of_periods()
{
    local from until
    from=$(jq -r '.ts / 1000 | todate' "$dir/1000.jsonl")
    describes "$dir/${from%Z}...jsonl" "$dir/${from%Z}...jsonl"
    until=$T/m/@${from%Z}/$topic/0
    describes "$until/latest.jsonl" "$until/latest.jsonl"
    expect_fail attr stored_bytes "$dir/${from%Z}...jsonl" 2>"$T/said"
    check_says 'No such attribute' "$T/said"
    getfattr -R -d --absolute-names "$until" >"$T/have" 2>"$T/said"
    check_equal "$(wc -c <"$T/said")" 0
}

of_whole_segments()
{
    local file
    for file in "$dir"/*.jsonl; do
        check_equal "$(attr sha256 "$file")" \
            "$(sha256sum "${file%.jsonl}.log" | cut -d' ' -f1)"
    done
    expect_fail attr sha256 "$dir/150-333.jsonl" 2>"$T/said"
    check_says 'No such attribute' "$T/said"
}

of_directories()
{
    local bytes
    cat "$dir"/*.jsonl >"$T/all"
    bytes=$(segments "$repo" | xargs cat | wc -c)
    describes "$dir" "$T/all"
    check_equal "$(attr stored_bytes "$dir")" "$bytes"
    check_equal "$(attr records "$T/m/$topic")" 2000
    check_equal "$(attr stored_bytes "$T/m/$topic")" "$bytes"
    check_equal "$(attr topic_id "$T/m/$topic")" "$(ls "$repo/data/$topic")"
    check_equal "$(attr records "$T/m/$topic/1")" 0
    expect_fail attr first_offset "$T/m/$topic/1" 2>"$T/said"
    check_equal "$(getfattr -d "$T/m" | wc -l)" 0
}

# What is listed can be had.
getfattr_of_all()
{
    getfattr -R -d --absolute-names "$T/m" >"$T/have" 2>"$T/said"
    check_equal "$(wc -c <"$T/said")" 0
    check_equal "$(grep -c '^# file' "$T/have")" \
        "$(find "$T/m/$topic" | wc -l)"
    check_equal "$(getfattr -d --absolute-names "$dir/latest.jsonl" |
        grep -c '^user.kbak.[a-z0-9_]*="[^"]*"$')" 8
}

copying_tools()
{
    local file
    file=$(ls "$dir" | head -n 1)
    cp -a "$T/m/$topic" "$T/cp"
    rsync -aX "$T/m/$topic/" "$T/rsync"
    tar -C "$T/m" --xattrs -cf "$T/tar" "$topic"
    mkdir "$T/untar"
    tar -C "$T/untar" --xattrs -xf "$T/tar"
    for copy in "$T/cp" "$T/rsync" "$T/untar/$topic"; do
        check_same "$T/m/$topic" "$copy"
        check_equal "$(attr sha256 "$copy/0/$file")" \
            "$(attr sha256 "$dir/$file")"
        chmod -R u+w "$copy"
    done
}

not_to_be_changed()
{
    expect_fail setfattr -n user.kbak.records -v 1 "$dir/7.jsonl" \
        2>"$T/said"
    check_says 'Read-only file system' "$T/said"
}

t "of files" of_files
t "of periods and views of the past" of_periods
t "sha256 of whole segments" of_whole_segments
t "of directories" of_directories
t "getfattr -d of everything" getfattr_of_all
t "cp -a, rsync -X and tar --xattrs keep them" copying_tools
t "they cannot be changed" not_to_be_changed
unmounted "$T/m"
