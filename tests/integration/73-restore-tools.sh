#!/usr/bin/env bash
# Every tool that copies files restores: cp without help, dd, rsync, tar,
# install, python.
. "$(dirname "$0")/lib.sh"

new_topic topic --partitions 2
kfeed produce -t "$topic" --count 4000 --codec zstd --batch-records 100
repo=$T/repo
backup "$repo" "$topic" --segment-bytes=40000
mounted "$repo" "$T/m" "restore=$KAFKA"
kfeed dump -t "$topic" >"$T/want"

# restored TOPIC
restored()
{
    kfeed dump -t "$1" >"$T/have"
    check_same "$T/want" "$T/have"
}

with_cp()
{
    cp -r --reflink=never "$T/m/$topic" "$T/m/restore/$topic-cp"
    restored "$topic-cp"
}

with_cp_preserving()
{
    cp -a "$T/m/$topic" "$T/m/restore/$topic-cpa"
    restored "$topic-cpa"
}

# each TOPIC COMMAND...: with source and target of every file.
each()
{
    local to=$1 file
    shift
    mkdir -p "$T/m/restore/$to/0" "$T/m/restore/$to/1"
    (cd "$T/m/$topic" && ls */*) | while read -r file; do
        "$@" "$T/m/$topic/$file" "$T/m/restore/$to/$file"
    done
    restored "$to"
}

dd_one()
{
    dd if="$1" of="$2" bs=10007 status=none
}

python_one()
{
    /usr/bin/python3 -c 'import shutil, sys
shutil.copyfile(sys.argv[1], sys.argv[2])' "$1" "$2"
}

with_rsync()
{
    rsync -rX "$T/m/$topic/" "$T/m/restore/$topic-rsync/"
    restored "$topic-rsync"
}

with_tar()
{
    mkdir "$T/m/restore/$topic-tar"
    tar -C "$T/m/$topic" -cf - . | tar -C "$T/m/restore/$topic-tar" -xf -
    restored "$topic-tar"
}

from_outside()
{
    cp -r "$T/m/$topic" "$T/outside"
    cp -r "$T/outside" "$T/m/restore/$topic-outside"
    restored "$topic-outside"
}

t "cp -r --reflink=never" with_cp
t "cp -a" with_cp_preserving
t "dd with blocks that split lines" each "$topic-dd" dd_one
t "install" each "$topic-install" install -m 644
t "python's shutil" each "$topic-python" python_one
t "rsync" with_rsync
t "tar" with_tar
t "a copy that lay elsewhere" from_outside
unmounted "$T/m"
