#!/usr/bin/env bash
# cp, tar, rsync, grep, find, du and friends on a mount.
. "$(dirname "$0")/lib.sh"

new_topic topic --partitions 2
kfeed produce -t "$topic" --count 8000 --codec zstd --batch-records 100
repo=$T/repo
backup "$repo" "$topic" --compression=verbatim --segment-bytes=5000
mounted "$repo" "$T/m"
[ "$(ls "$T/m/$topic/0" | wc -l)" -ge 20 ]

cp_in_order()
{
    cp -rv "$T/m/$topic" "$T/copy" | grep jsonl | sed 's/.* -> //' >"$T/order"
    for partition in 0 1; do
        grep "/$partition/" "$T/order" >"$T/one"
        sort "$T/one" | check_same - "$T/one"
    done
    check_same "$T/m/$topic" "$T/copy"
}

tar_sparse()
{
    mkdir "$T/untar"
    tar -C "$T/m" -Scf "$T/a.tar" "$topic"
    tar -C "$T/untar" -xf "$T/a.tar"
    check_same "$T/m/$topic" "$T/untar/$topic"
}

rsync_twice()
{
    rsync -a "$T/m/$topic/" "$T/rsync/"
    check_same "$T/m/$topic" "$T/rsync"
    rsync -ai "$T/m/$topic/" "$T/rsync/" >"$T/again"
    [ ! -s "$T/again" ]
}

grep_and_count()
{
    check_equal "$(cat "$T/m/$topic"/*/* | wc -l)" 8000
    check_equal "$(grep -rc . "$T/m" | awk -F: "{ n += \$NF } END { print n }")" 8000
    check_equal "$(grep -rh '"offset":1234,' "$T/m" | wc -l)" 2
    check_equal "$(find "$T/m" -type f | wc -l)" "$(segments "$repo" | wc -l)"
}

python_reads()
{
    /usr/bin/python3 - "$T/m/$topic/0" <<'PYTHON'
import mmap, os, sys
for name in sorted(os.listdir(sys.argv[1])):
    path = os.path.join(sys.argv[1], name)
    with open(path, "rb") as f:
        data = f.read()
        with mmap.mmap(f.fileno(), 0, prot=mmap.PROT_READ) as m:
            assert bytes(m) == data
        for at in range(0, len(data), 7777):
            assert os.pread(f.fileno(), 100, at) == data[at:at + 100]
        assert os.pread(f.fileno(), 100, len(data)) == b""
PYTHON
}

readers_in_parallel()
{
    local -a pids=()
    for i in 1 2 3 4 5 6; do
        cat "$T/m/$topic"/*/* | sha256sum >"$T/sum.$i" &
        pids+=($!)
    done
    wait "${pids[@]}"
    check_equal "$(cat "$T"/sum.* | sort -u | wc -l)" 1
}

no_extended_attributes()
{
    /usr/bin/python3 - "$T/m/$topic" <<'PYTHON'
import errno, os, sys
for name in ["security.capability", "security.selinux",
             "system.posix_acl_access"]:
    try:
        os.getxattr(sys.argv[1], name)
    except OSError as why:
        assert why.errno == errno.EOPNOTSUPP, why
    else:
        raise SystemExit(name)
PYTHON
}

t "cp -r copies segments in order" cp_in_order
t "tar -S keeps every byte" tar_sparse
t "rsync, and again without work" rsync_twice
t "grep, wc and find" grep_and_count
t "pread and mmap" python_reads
t "several readers at once" readers_in_parallel
t "security attributes are not supported" no_extended_attributes
unmounted "$T/m"
