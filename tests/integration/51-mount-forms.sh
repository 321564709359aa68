#!/usr/bin/env bash
# Every name of a range has three forms: lines, values, stored batches.
. "$(dirname "$0")/lib.sh"

new_topic topic
kfeed produce -t "$topic" --count 3000 --codec zstd --batch-records 100
kfeed lines -t "$topic" <<'LINES'
{"key":"gone"}
{"key":"empty","payload":""}
{"payload":{"base64":"/wD+"}}
{"key":"also gone","payload":null}
LINES
kfeed produce -t "$topic" --count 100 --seed 2 --codec lz4
repo=$T/repo
backup "$repo" "$topic" --segment-bytes=20000 --compression=verbatim
mounted "$repo" "$T/m"
dir=$T/m/$topic/0
names=(0-99 100-2999 7 00000000000000000042-00000000000000001990 -1500 50-
    latest 2999-3003 3000 3001 3099-)

# The values of JSON lines, one a line; null is empty.
values()
{
    jq -r '.payload // "" | if type == "object" then "@" + .base64 else . end' |
        while IFS= read -r value; do
            case $value in
            @*) base64 -d <<<"${value#@}" && echo ;;
            *) printf '%s\n' "$value" ;;
            esac
        done
}

values_of_any_range()
{
    local name
    for name in "${names[@]}"; do
        values <"$dir/$name.jsonl" >"$T/want"
        cat "$dir/$name.values" >"$T/have"
        cmp "$T/want" "$T/have"
        check_equal "$(stat -c %s "$dir/$name.values")" \
            "$(stat -c %s "$T/have")"
    done
    # Lines still count records.
    check_equal "$(cat "$dir/0-.values" | wc -l)" 3104
}

# The extension of a listed name, changed.
segments_are_their_objects()
{
    local name i=0
    segments "$repo" >"$T/objects"
    ls "$dir" | sed 's/jsonl$/log/' >"$T/names"
    [ "$(wc -l <"$T/names")" -gt 2 ] || fail "too few segments"
    check_equal "$(wc -l <"$T/names")" "$(wc -l <"$T/objects")"
    paste "$T/names" "$T/objects" | while read -r name object; do
        cmp "$dir/$name" "$object"
        check_equal "$(stat -c %s "$dir/$name")" "$(stat -c %s "$object")"
    done
    cmp "$dir/0-.log" <(xargs cat <"$T/objects")
    cmp "$dir/latest.log" "$(tail -n 1 "$T/objects")"
}

# Batches of a hundred.
a_range_has_whole_batches()
{
    cp "$dir/150-320.log" "$T/100.log"
    check_equal "$(stat -c %s "$dir/150-320.log")" \
        "$(stat -c %s "$T/100.log")"
    broker java kafka.tools.DumpLogSegments --deep-iteration \
        --print-data-log --files "$T/100.log" >"$T/dump" </dev/null
    ! grep -qi 'corrupt\|invalid' "$T/dump" || fail "corrupt"
    check_equal "$(grep -c '^| offset' "$T/dump")" 300
    grep '^| offset' "$T/dump" | sed 's/.* payload: //' >"$T/have"
    values <"$dir/100-399.jsonl" | check_same - "$T/have"
    cmp "$dir/220.log" "$dir/200-299.log"
    cat "$dir"/{0-99,100-199,200-}.log | cmp - "$dir/0-.log"
}

reads_anywhere()
{
    local form at
    for form in values log; do
        cat "$dir/33-2950.$form" >"$T/whole"
        for at in 0 1 4095 131071 131073 200000; do
            tail -c +$((at + 1)) "$dir/33-2950.$form" | head -c 5000 \
                >"$T/have" || :
            tail -c +$((at + 1)) "$T/whole" | head -c 5000 >"$T/want" || :
            cmp "$T/want" "$T/have"
        done
    done
}

none_is_listed()
{
    check_equal "$(find "$T/m" -name '*.values' -o -name '*.log' -o \
        -name 'latest*' | wc -l)" 0
    expect_fail stat "$dir/9999.values" "$dir/9999-.log" 2>"$T/said"
    check_equal "$(grep -c 'No such file' "$T/said")" 2
}

t "values" values_of_any_range
t "a whole segment's batches are the object" segments_are_their_objects
t "a range's batches are whole, and Kafka reads them" \
    a_range_has_whole_batches
t "reads at any place" reads_anywhere
t "nothing of this is listed" none_is_listed

# A newline in a value, far from the borders of what is asked for.
kfeed lines -t "$topic" <<'LINES'
{"payload":"two\nlines"}
{"payload":"one line"}
LINES
kfeed produce -t "$topic" --count 100 --seed 3
backup "$repo" "$topic"

refuses()
{
    local name
    for name in 3104 3000-3200 0-3104 3104-3105; do
        expect_fail cat "$dir/$name.values" 2>"$T/said"
        check_says 'Invalid argument' "$T/said"
    done
    expect_fail cat "$dir/0-.values" >"$T/have" 2>"$T/said"
    check_equal "$(stat -c %s "$T/have")" 0
    check_says "$topic/0: the value at offset 3104 holds a newline" \
        "$T/m.log"
    check_equal "$(cat "$dir"/{0-3103,3105-}.values | wc -l)" 3205
    check_equal "$(jq -r .payload "$dir/3104.jsonl")" $'two\nlines'
    cmp "$dir/0-.log" <(segments "$repo" | xargs cat)
}

sees()
{
    [ "$(stat -c %s "$dir/0-.log")" = \
        "$(segments "$repo" | xargs cat | wc -c)" ]
}

wait_until 10 sees
t "a value with a newline is refused, and the log says where" refuses
unmounted "$T/m"
