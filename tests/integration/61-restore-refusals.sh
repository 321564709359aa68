#!/usr/bin/env bash
# Nothing is restored twice, nor where it was not meant to go.
. "$(dirname "$0")/lib.sh"

new_topic source --partitions 2
kfeed produce -t "$source" -p 0 --count 100 --size 100
backup "$T/repo" "$source"
kbak cat "$T/repo" "$source/0" >"$T/lines"

# refused STATUS WORDS ARGUMENTS...: and no record gets in
refused()
{
    local status=$1 words=$2
    shift 2
    expect_status 1 krestore "$@" >"$T/out" 2>"$T/log"
    check_says "^error $status .*$words" "$T/out"
    [ "$(grep -c error: "$T/log")" = 1 ] || fail "$(cat "$T/log")"
}

end_of()
{
    kfeed offsets -t "$1" | sed -n "s/^$2 [0-9]* //p"
}

# ENOENT 2, EIO 5, EACCES 13, EBUSY 16
source_itself()
{
    refused 13 'the very topic that was backed up' "$T/repo" \
        "$source/1=$T/lines"
    check_equal "$(end_of "$source" 1)" 0
}

foreign_records()
{
    new_topic target --partitions 2
    kfeed produce -t "$target" -p 0 --count 1
    refused 13 'holds offsets 0 to 0' "$T/repo" "$target/0=$T/lines"
    check_equal "$(end_of "$target" 0)" 1
    krestore "$T/repo" "$target/1=$T/lines"
    krestore --append "$T/repo" "$target/0=$T/lines"
    check_equal "$(end_of "$target" 0)" 101
}

second_run()
{
    new_topic target
    krestore "$T/repo" "$target/0=$T/lines"
    refused 13 'holds offsets 0 to 99' "$T/repo" "$target/0=$T/lines"
    check_equal "$(end_of "$target" 0)" 100
}

second_file()
{
    new_topic target
    krestore "$T/repo" "$target/0=$T/lines" "$target/0=$T/lines"
    check_equal "$(end_of "$target" 0)" 200
}

# Somebody else writes between two files of one mount.
meddled()
{
    new_topic target
    mkfifo "$T/step"
    krestore --step "$T/repo" "$target/0=$T/lines" "$target/0=$T/lines" \
        <"$T/step" >"$T/out" 2>"$T/log" &
    local pid=$! status=0
    exec 7>"$T/step"
    wait_until 30 grep -q '^restored' "$T/out"
    kfeed produce -t "$target" -p 0 --count 1
    echo go >&7
    exec 7>&-
    wait "$pid" || status=$?
    check_equal $status 1
    check_says '^error 13 .*holds offsets 0 to 100' "$T/out"
    check_equal "$(end_of "$target" 0)" 101
}

# What was deleted at the target is no obstacle.
emptied()
{
    new_topic target
    kfeed produce -t "$target" -p 0 --count 5
    kfeed delete-records -t "$target" -p 0 --before 5
    krestore "$T/repo" "$target/0=$T/lines"
    check_equal "$(end_of "$target" 0)" 105
}

no_source()
{
    name_topic target
    sed 's/"topic":"[^"]*",//' "$T/lines" >"$T/bare"
    refused 2 'the backup does not tell how to create it' "$T/repo" \
        "$target/0=$T/bare"
    new_topic target
    krestore "$T/repo" "$target/0=$T/bare"
}

no_partition()
{
    new_topic target --partitions 2
    refused 2 'has 2 partitions' "$T/repo" "$target/2=$T/lines"
    name_topic target
    krestore "$T/repo" "$target/4=$T/lines" # created with five
    check_equal "$(kfeed offsets -t "$target" | wc -l)" 5
}

bad_line()
{
    new_topic target
    { head -n 60 "$T/lines"; echo '{"payload":"x","size":1}'
      tail -n 40 "$T/lines"; } >"$T/bad"
    refused 5 'bad: line 61, column 16: unknown key "size"' "$T/repo" \
        "$target/0=$T/bad"
    head -c 2000 "$T/lines" >"$T/cut"
    refused 5 'cut: line .*in a last line without a newline' "$T/repo" \
        "$target/0=$T/cut"
}

t "the source topic itself" source_itself
t "a partition with other records" foreign_records
t "the same again in another run" second_run
t "another file in the same run" second_file
t "somebody else wrote meanwhile" meddled
t "an emptied partition" emptied
t "a topic that nobody knows" no_source
t "a partition that is not there" no_partition
t "a line that does not parse" bad_line
