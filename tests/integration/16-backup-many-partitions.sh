#!/usr/bin/env bash
# Neither open files nor memory grow with the number of partitions, and each
# costs three fsyncs: its segment, its directory, and the one above.
. "$(dirname "$0")/lib.sh"

partitions=300
new_topic topic --partitions $partitions
kfeed produce -t "$topic" --count 60000 --size 1000 --codec zstd \
    --linger 5000 -X batch.num.messages=200
repo=$T/repo

# bounded COMMAND...: with so few files that a segment for each partition, or
# 100 of them, would be too many.
bounded()
{
    (
        ulimit -n 120
        FAULTY_DIR=$repo FAULTY_LOG=$T/changes \
            LD_PRELOAD=$KB_BUILD/tests/tools/faulty.so "$@"
    )
}

# Prints the highest resident set in MiB.
peak()
{
    /usr/bin/python3 -c '
import resource, subprocess, sys
status = subprocess.run(sys.argv[1:], check=False).returncode
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024)
sys.exit(status)' "$@"
}

few_files()
{
    bounded "$KB_BUILD/backup/kbak" backup -q -b "$KAFKA" -t "$topic" "$repo"
    check_equal "$(find "$repo/data" -name '*.log' | wc -l)" $partitions
    kbak verify -q "$repo"
}

few_fsyncs()
{
    local n
    n=$(grep -c fsync "$T/changes")
    echo "fsyncs: $n"
    [ "$n" -lt $((3 * partitions + 100)) ] # the index has some, too
}

little_memory()
{
    local mib
    mib=$(peak "$KB_BUILD/backup/kbak" backup -q -b "$KAFKA" -t "$topic" \
        "$T/again")
    echo "peak: $mib MiB"
    [ "$mib" -le 120 ]
}

t "in 120 files" few_files
t "with three fsyncs a partition" few_fsyncs
t "in 120 MiB" little_memory
