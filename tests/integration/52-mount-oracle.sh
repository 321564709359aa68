#!/usr/bin/env bash
# A mount beside a tree of plain files with the same text, which is made from
# `kbak cat` and the names of the segments: nobody can tell them apart.
. "$(dirname "$0")/lib.sh"

new_topic topic --partitions 2
kfeed produce -t "$topic" --count 3000 --codec zstd --size 3000 \
    --batch-records 100
kfeed produce -t "$topic" --count 3000 --codec lz4 --batch-records 7 --seed 2
kfeed odd -t "$topic" -p 0 --count 500
repo=$T/repo
copy=$T/copy
backup "$repo" "$topic" --compression=verbatim --segment-bytes=100K

# A file for each segment, named by the first and the last line in it.
extract()
{
    local partition
    for partition in 0 1; do
        mkdir -p "$copy/$topic/$partition"
        (cd "$repo"/data/"$topic"/*/$partition && echo *.log) >"$T/starts"
        kbak cat "$repo" "$topic/$partition" >"$T/text"
        /usr/bin/python3 - "$T/starts" "$T/text" "$copy/$topic/$partition" \
            <<'PYTHON'
import json, sys
starts = [int(s[:20]) for s in open(sys.argv[1]).read().split()] + [2 ** 63]
lines = [(json.loads(l)["offset"], l) for l in open(sys.argv[2], "rb")]
for low, high in zip(starts, starts[1:]):
    part = [l for l in lines if low <= l[0] < high]
    name = f"{sys.argv[3]}/{part[0][0]:020}-{part[-1][0]:020}.jsonl"
    with open(name, "wb") as f:
        f.writelines(l[1] for l in part)
PYTHON
    done
}

# Of a directory: type, size of files, name.
shape()
{
    (cd "$1" && find . -type d -printf '%y %P\n' -o -printf '%y %s %P\n') | sort
}

sums()
{
    (cd "$1" && find . -type f -exec sha256sum {} +) | sort
}

same_tree()
{
    [ "$(find "$copy" -type f | wc -l)" -ge 6 ]
    shape "$copy" >"$T/a"
    shape "$T/m" | check_same "$T/a" -
    sums "$copy" >"$T/a"
    sums "$T/m" | check_same "$T/a" -
}

probe()
{
    "$KB_BUILD/tests/tools/kprobe" "$T/m" "$copy" 3000
}

# Blocks come and go all the time.
probe_little_cache()
{
    mounted "$repo" "$T/m2" cache=1M
    "$KB_BUILD/tests/tools/kprobe" "$T/m2" "$copy" 1500
    unmounted "$T/m2"
}

extract
mounted "$repo" "$T/m"
t "names, types, sizes and content are the same" same_tree
t "however it is read" probe
t "however little is kept" probe_little_cache
unmounted "$T/m"
