#!/usr/bin/env bash
# Many readers at once under a small cache, some of them killed, while the
# kernel drops what it has: right bytes for all, in bounded memory.
. "$(dirname "$0")/lib.sh"

repo=$T/repo
karchive "$repo" orders 4 5 4000 200
for p in 0 1 2 3; do
    kbak cat "$repo" orders/$p
done | sha256sum >"$T/all"
mounted "$repo" "$T/m" cache=32M

# sums NAME: of each file, read past the kernel's cache.
sums()
{
    local file
    for file in $(printf '%s\n' "$T/m"/orders/*/* | shuf); do
        echo "$(dd if="$file" bs=256K iflag=direct status=none | sha256sum)" \
            "$file"
    done | sort -k3 >"$T/sums.$1"
}

# As they are in four plain copies.
plain()
{
    local p
    cat "$T/m"/orders/*/* | sha256sum | check_same "$T/all" -
    sums plain
}

# 200 readers begin at once, each with another file.
crowd()
{
    local i files=("$T/m"/orders/*/*)
    for ((i = 0; i < 200; i++)); do
        dd if="${files[i % 20]}" bs=256K iflag=direct status=none |
            sha256sum >"$T/one.$i" &
    done
    wait
    for ((i = 0; i < 200; i++)); do
        check_equal "$(cat "$T/one.$i") ${files[i % 20]}" \
            "$(grep -F "${files[i % 20]}" "$T/sums.plain")"
    done
}

peak_below()
{
    local kib
    kib=$(awk '/^VmHWM/ { print $2 }' "/proc/${MOUNTS[$T/m]}/status")
    [ "$kib" -lt $(($1 * 1024)) ] || fail "used $kib KiB"
}

# A sanitizer needs memory of its own.
limit()
{
    if grep -qE "__[at]san_init" "$KB_BUILD/fs/kbakfs"; then
        echo 1000
    else
        echo 100
    fi
}

killed()
{
    local i file pids=()
    for ((i = 0; i < 20; i++)); do
        cat "$T/m"/orders/*/* >/dev/null &
        pids+=($!)
    done
    for i in "${pids[@]}"; do
        kill -KILL "$i" || : # it was quick
        dd if="$T/m/orders/0/$i.jsonl" of=/dev/null status=none 2>&1 || :
    done
    wait
    sums again
    check_same "$T/sums.plain" "$T/sums.again"
}

caches_dropped()
{
    sums again &
    for _ in 1 2 3 4 5; do
        cat "$T/m"/orders/3/* >"$T/cached"
        echo 3 >/proc/sys/vm/drop_caches
        cat "$T/m"/orders/3/* | cmp - "$T/cached"
    done
    wait $!
    check_same "$T/sums.plain" "$T/sums.again"
}

t "what they are to read" plain
t "200 readers" crowd
t "a small cache keeps memory small" peak_below "$(limit)"
t "killed readers leave nothing behind" killed
t "dropped caches are read again" caches_dropped
t "and memory stays small" peak_below "$(limit)"
unmounted "$T/m"
