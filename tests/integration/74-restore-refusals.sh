#!/usr/bin/env bash
# A restore that would be wrong fails, close(2) says so, and the log says why.
. "$(dirname "$0")/lib.sh"

new_topic topic
kfeed produce -t "$topic" --count 100
new_topic busy
kfeed produce -t "$busy" --count 3
repo=$T/repo
backup "$repo" "$topic"
mounted "$repo" "$T/m" "restore=$KAFKA"
file=$(echo "$T/m/$topic/0"/*)
line=$(head -n 1 "$file")

# A program whose close(2) counts.
copy()
{
    cp "$1" "$2"
}

bad_line()
{
    name_topic to
    mkdir -p "$T/m/restore/$to/0"
    printf '%s\n' "$line" "$line" '{"topic": oops}' "$line" >"$T/bad.jsonl"
    expect_fail copy "$T/bad.jsonl" "$T/m/restore/$to/0/bad.jsonl"
    check_says 'line 3' "$T/m.log"
    check_says 'column|col ' "$T/m.log"
}

unfinished_line()
{
    name_topic to
    mkdir -p "$T/m/restore/$to/0"
    printf '%s\n{"topic":"x","par' "$line" >"$T/torn.jsonl"
    expect_fail copy "$T/torn.jsonl" "$T/m/restore/$to/0/torn.jsonl"
}

no_last_newline()
{
    name_topic to
    mkdir -p "$T/m/restore/$to/0"
    printf '%s\n%s' "$line" "$line" >"$T/whole.jsonl"
    copy "$T/whole.jsonl" "$T/m/restore/$to/0/whole.jsonl"
    check_equal "$(kfeed dump -t "$to" -p 0 | wc -l)" 2
}

twice()
{
    name_topic to
    mkdir -p "$T/m/restore/$to/0"
    copy "$file" "$T/m/restore/$to/0/a.jsonl"
    expect_fail copy "$file" "$T/m/restore/$to/0/a.jsonl"
    check_equal "$(kfeed dump -t "$to" -p 0 | wc -l)" 100
}

foreign_records()
{
    mkdir -p "$T/m/restore/$busy/0" || :
    expect_fail copy "$file" "$T/m/restore/$busy/0/a.jsonl"
    check_says "$busy" "$T/m.log"
    check_equal "$(kfeed dump -t "$busy" -p 0 | wc -l)" 3
}

the_source()
{
    mkdir -p "$T/m/restore/$topic/0" || :
    expect_fail copy "$file" "$T/m/restore/$topic/0/a.jsonl"
    check_equal "$(kfeed dump -t "$topic" -p 0 | wc -l)" 100
}

bad_names()
{
    name_topic to
    mkdir -p "$T/m/restore/$to/0"
    expect_fail copy "$file" "$T/m/restore/$to/0/a.txt"
    expect_fail mkdir "$T/m/restore/$to/x"
    expect_fail mkdir "$T/m/restore/$to/0/deeper"
    expect_fail copy "$file" "$T/m/restore/$to/a.jsonl"
    expect_fail copy "$file" "$T/m/restore/a.jsonl"
    expect_fail mkdir "$T/m/restore/not a topic"
}

unknown_source()
{
    name_topic to
    mkdir -p "$T/m/restore/$to/0"
    echo '{"key":"k","payload":"v"}' >"$T/nobody.jsonl"
    expect_fail copy "$T/nobody.jsonl" "$T/m/restore/$to/0/a.jsonl"
    expect_fail kfeed offsets -t "$to"
}

mkdir_creates_nothing()
{
    name_topic to
    mkdir "$T/m/restore/$to"
    expect_fail kfeed offsets -t "$to"
}

moving_out_is_refused()
{
    name_topic to
    mkdir -p "$T/m/restore/$to/0"
    expect_fail mv "$file" "$T/m/restore/$to/0/a.jsonl"
    [ -e "$file" ]
    expect_fail kfeed offsets -t "$to"
}

not_in_order()
{
    name_topic to
    mkdir -p "$T/m/restore/$to/0"
    /usr/bin/python3 - "$T/m/restore/$to/0/x.jsonl" <<'PYTHON'
import os, sys
f = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT | os.O_EXCL)
try:
    os.pwrite(f, b"x" * 100, 5000)
    os.close(f)
except OSError:
    sys.exit(0)
sys.exit("a write with a hole before it was accepted")
PYTHON
}

t "a line that does not parse: its place is said" bad_line
t "a last line that is torn" unfinished_line
t "a last line without a newline is one" no_last_newline
t "a file restored twice" twice
t "a partition with records of others" foreign_records
t "the source topic itself" the_source
t "names that are none" bad_names
t "a topic that nobody knows the shape of" unknown_source
t "mkdir alone creates no topic" mkdir_creates_nothing
t "mv from the archive" moving_out_is_refused
t "a write that is not at the end" not_in_order
unmounted "$T/m"
