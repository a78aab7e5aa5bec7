#!/bin/sh
# check.sh BUILD -- all tests of a build; the last line is
# "N passed, N failed" or "N passed, N failed, N skipped".  With CROSS=1 also
# `make check-cross`, with CHECK_WEB=1 `make check-web`.  ONLY="NAME NAME": these
# parts alone.
#
# Parts share nothing but the build, so JOBS of them (a processor each) run at
# once, the long ones first; each one's lines appear together, in the order
# below, under the seconds it took and those of processors it used.  Every part prints such a line at its end; a part that prints none, or
# whose exit code does not agree with it, counts as one failure more.
build=${1:-build}
here=$(dirname "$0")
only=$ONLY
unset ONLY
jobs=${JOBS:-$(nproc 2>/dev/null || echo 2)}
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
trap 'kill $(jobs -p); exit 1' HUP INT TERM
passed=0
failed=0
skipped=0
begun=0                                 # parts so far
shown=0                                 # those whose lines were printed

# A part takes one of these lines to run and puts it back.
mkfifo "$work/turns" && exec 3<>"$work/turns" || exit 1
for turn in $(seq "$jobs"); do
    echo "$turn" >&3
done

# Prints the lines of part number $1, which has ended, and counts them.
show()
{
    log=$work/$1
    code=$(cat "$log.code")
    echo "== $(cat "$log.name"), $(cat "$log.seconds") s" \
        "($(cat "$log.times") s of processors)"
    cat "$log"
    line=$(grep -E '^[0-9]+ passed, [0-9]+ failed(, [0-9]+ skipped)?$' "$log" \
           | tail -n 1)
    set -- $(echo "$line" | tr -cd '0-9 ')
    passed=$((passed + ${1:-0}))
    failed=$((failed + ${2:-0}))
    skipped=$((skipped + ${3:-0}))
    if [ -z "$line" ] || { [ "$code" != 0 ] && [ "${2:-0}" -eq 0 ]; }; then
        failed=$((failed + 1))
        echo "FAIL: it ended with exit code $code"
    fi
    rm -f "$log"
}

# Those that have ended, up to the first that has not.
show_ended()
{
    while [ "$shown" -lt "$begun" ] && [ -f "$work/$((shown + 1)).code" ]; do
        shown=$((shown + 1))
        show "$shown"
    done
}

# part NAME COMMAND...
part()
{
    name=$1
    shift
    case " $only " in
    "  " | *" $name "*) ;;
    *) return ;;
    esac
    read -r turn <&3
    show_ended
    begun=$((begun + 1))
    echo "$name" >"$work/$begun.name"
    ( log=$work/$begun
      start=$(date +%s)
      "$@" >"$log" 2>&1 3>&-
      code=$?
      echo $(($(date +%s) - start)) >"$log.seconds"
      times >"$log.own"
      tail -n 1 "$log.own" | awk -F '[ms ]+' \
          '{ print int(60 * ($1 + $3) + $2 + $4) }' >"$log.times"
      echo "$code" >"$log.new"
      mv "$log.new" "$log.code"
      echo "$turn" >&3 ) &
}

# script NAME [WORD]: tests/scripts/NAME.sh, or .py
script()
{
    if [ -f "$here/$1.sh" ]; then
        part "${2:-$1}" sh "$here/$1.sh" "$build"
    else
        part "${2:-$1}" /usr/bin/python3 -B "$here/$1.py" "$build"
    fi
}

part tests "$build/tests"
if [ -n "$CROSS" ]; then                # a dozen builds
    part cross env FEW="$build" sh "$here/cross.sh"
fi
if [ -n "$CHECK_WEB" ]; then
    script web
fi
script vectors
script blind
script cli command
script networks
script daily
script ct constant-time
script vectors_faults
part fuzzing sh "$here/../fuzz/check.sh"
script machines
script volumes
script labels
script solids
script classes
script serve_ask
script serve_load
script service
script ask
script serve
script dicom DICOM
script alloc memory
part forks env OMP_NUM_THREADS=2 "$build/tests-omp" fork_
script places
script malice
script blind_faults
script threads
script minimal
script seal
script examples
script install
script symbols
script layers
part docs /usr/bin/python3 "$here/../../docs/docs.py"
wait
show_ended
printf '%s passed, %s failed' "$passed" "$failed"
[ "$skipped" -eq 0 ] || printf ', %s skipped' "$skipped"
echo
[ "$failed" -eq 0 ]
