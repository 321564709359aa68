#!/usr/bin/env bash
# Memory does not grow with what is backed up, read or restored.
. "$(dirname "$0")/lib.sh"

new_topic topic --partitions 4
kfeed produce -t "$topic" --count 300000 --size 1000 --codec zstd
repo=$T/repo

# peak COMMAND...: runs it and prints its highest resident set in MiB.
peak()
{
    /usr/bin/python3 -c '
import resource, subprocess, sys
status = subprocess.run(sys.argv[1:], check=False).returncode
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024)
sys.exit(status)' "$@"
}

# peak_of PID: the same of a process that runs.
peak_of()
{
    awk '/^VmHWM/ { print int($2 / 1024) }' "/proc/$1/status"
}

# below LIMIT MEBIBYTES
below()
{
    echo "peak: $2 MiB"
    [ "$2" -lt "$1" ]
}

# 300 MB of payload, so a copy of it all would show.
backup_is_bounded()
{
    below 160 "$(peak "$KB_BUILD/backup/kbak" backup -q -b "$KAFKA" \
        -t "$topic" "$repo")"
    below 100 "$(peak "$KB_BUILD/backup/kbak" verify "$repo" | tail -n 1)"
}

mount_is_bounded()
{
    check_equal "$(cat "$T/m/$topic"/*/* | wc -l)" 300000
    below 160 "$(peak_of "${MOUNTS[$T/m]}")"
}

restore_is_bounded()
{
    cp -r "$T/m/$topic" "$T/m/restore/$topic-again"
    check_equal "$(kfeed offsets -t "$topic-again")" \
        "$(kfeed offsets -t "$topic")"
    below 256 "$(peak_of "${MOUNTS[$T/m]}")"
}

t "backup and verify" backup_is_bounded
mounted "$repo" "$T/m" "restore=$KAFKA"
t "a mount that is read" mount_is_bounded
t "a restore" restore_is_bounded
unmounted "$T/m"
