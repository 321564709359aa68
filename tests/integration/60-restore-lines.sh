#!/usr/bin/env bash
# Lines of a backup, restored to another topic, are the same records.
. "$(dirname "$0")/lib.sh"

new_topic source --partitions 3 -c retention.ms=987654321000 \
    -c max.message.bytes=2000000 -c message.timestamp.type=CreateTime
kfeed odd -t "$source" -p 0
kfeed produce -t "$source" -p 1 --count 5000 --size 700 \
    --ts 1600000000000:7 --codec lz4
backup "$T/repo" "$source"
for p in 0 1; do
    kbak cat "$T/repo" "$source/$p" >"$T/$p.jsonl"
done

# same_records TOPIC: as the source, offsets aside
same_records()
{
    for p in 0 1; do
        kfeed dump --no-offset -t "$source" -p $p >"$T/want"
        kfeed dump --no-offset -t "$1" -p $p >"$T/got"
        check_same "$T/want" "$T/got"
    done
}

round_trip()
{
    krestore "$@" "$T/repo" "$target/0=$T/0.jsonl" "$target/1=$T/1.jsonl" \
        2>"$T/log"
    same_records "$target"
}

# Every setting of a topic that is its own: NAME=VALUE lines.
settings_of()
{
    broker java kafka.admin.ConfigCommand --bootstrap-server "$KAFKA" \
        --describe --entity-type topics --entity-name "$1" |
        sed -nE 's/^ *([a-z.]+=[^ ]*) .*DYNAMIC_TOPIC.*/\1/p' | sort
}

partitions_of()
{
    kfeed offsets -t "$1" | wc -l
}

created()
{
    check_equal "$(partitions_of "$target")" 3
    settings_of "$target" >"$T/settings"
    check_says '^retention.ms=-1$' "$T/settings"
    check_says '^retention.bytes=-1$' "$T/settings"
    check_says '^max.message.bytes=2000000$' "$T/settings"
    check_says '^message.timestamp.after.max.ms=9223372036854775807$' \
        "$T/settings"
}

# The log tells the command; it does what it says.
undone()
{
    local command
    command=$(sed -nE 's/.*once all is restored: (.*)/\1/p' "$T/log")
    [[ $command == 'kafka-configs.sh '* ]] || fail "$(cat "$T/log")"
    eval "broker java kafka.admin.ConfigCommand ${command#* }"
    settings_of "$target" >"$T/got"
    settings_of "$source" >"$T/want"
    check_same "$T/want" "$T/got"
}

made_by_name()
{
    kfeed delete -t "$source"
    krestore "$T/repo" --make "$source" 2>"$T/log"
    check_equal "$(partitions_of "$source")" 3
    krestore "$T/repo" --make "$source" 2>"$T/log2" # it is there: nothing
    [ ! -s "$T/log2" ] || fail "$(cat "$T/log2")"
}

name_topic target
t "a round trip" round_trip
t "the topic is created as the backup knows it" created
t "the log tells how to give it its settings" undone
# One node can hold one replica: two in sync would never be acknowledged.
too_many_in_sync()
{
    kfeed create -t "$source-2" -c min.insync.replicas=2
    kfeed create -t "$source-1" -c min.insync.replicas=1
    backup "$T/insync" "$source-[12]"
    for n in 1 2; do
        kfeed delete -t "$source-$n"
        krestore "$T/insync" --make "$source-$n" 2>"$T/log$n"
        settings_of "$source-$n" >"$T/got$n"
    done
    check_says '^min.insync.replicas=1$' "$T/got1"
    expect_fail grep min.insync.replicas "$T/got2"
    check_says "add-config '.*min.insync.replicas=2" "$T/log2"
}

name_topic target
t "more replicas in sync than there are" too_many_in_sync
t "all files at once" round_trip --parallel
name_topic target
t "small batches" round_trip --batch 3000
name_topic target
t "little memory" round_trip --parallel --memory 20000
name_topic target
t "interrupted at every step" round_trip --parallel --interrupt --batch 20000
name_topic target
t "settings as they were" round_trip --exact
t "as they were" check_same <(settings_of "$source") <(settings_of "$target")
t "a topic made by its name" made_by_name
