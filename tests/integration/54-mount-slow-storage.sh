#!/usr/bin/env bash
# Storage that hangs holds up who reads from there, and nobody else; those who
# are killed meanwhile end at once and leave nothing open.
. "$(dirname "$0")/lib.sh"

repo=$T/repo
karchive "$repo" t 2 2 4000 1500
for p in 0 1; do
    kbak cat "$repo" t/$p >"$T/$p"
done
export STUCK_PATH=/0/00000000000000000000.log STUCK_WHILE=$T/stuck
LD_PRELOAD=$KB_BUILD/tests/tools/stuck.so mounted "$repo" "$T/m" cache=32M
at_exit 'rm -f "$T/stuck"'
all=0-7999.jsonl

# status FILTER: of @status.
status()
{
    jq -r "$1" "$T/m/@status"
}

nothing_is_open()
{
    [ "$(status .open_files)" = 0 ]
}

# Readers of one slow block and of three others of its segment wait; those of
# other segments, and of names, do not notice.
stuck_alone()
{
    local i readers=()
    touch "$T/stuck"
    for i in {1..60}; do
        dd if="$T/m/t/0/$all" of="$T/got.$i" bs=64K count=1 iflag=direct \
            status=none &
        readers+=($!)
    done
    for i in 1 2 3; do
        dd if="$T/m/t/0/$all" of=/dev/null bs=64K skip=$((i * 27)) count=1 \
            iflag=direct status=none &
        readers+=($!)
    done
    four_wait()
    {
        [ "$(wc -c <"$T/stuck")" -ge 4 ]
    }
    wait_until 30 four_wait
    timeout 60 cmp "$T/m/t/1/$all" "$T/1"
    timeout 60 ls -lR "$T/m" >"$T/listed"
    timeout 60 cat "$T/m/@status" >"$T/status"
    stat "$T/m/t/0/1800.jsonl" &
    readers+=($!)
    wait_until 30 grep -q request_wait "/proc/$!/wchan"
    kill -0 "${readers[@]}" # all of them wait still
    kill -KILL "${readers[@]:50}"
    ! wait "${readers[@]:50}" # and storage still hangs
    [ -e "$T/stuck" ]
    rm "$T/stuck"
    wait "${readers[@]:0:50}"
    for i in {1..50}; do
        cmp "$T/got.$i" <(head -c 65536 "$T/0")
    done
    wait_until 30 nothing_is_open
}

t "slow storage holds up only who reads it" stuck_alone
unmounted "$T/m"
