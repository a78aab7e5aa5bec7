#!/bin/sh
# check.sh BUILD -- all tests of a build; the last line is
# "N passed, N failed" or "N passed, N failed, N skipped".  With CROSS=1 also
# `make check-cross`.
#
# Every part prints such a line at its end; a part that prints none, or whose
# exit code does not agree with it, counts as one failure more.
build=${1:-build}
here=$(dirname "$0")
log=$(mktemp) || exit 1
trap 'rm -f "$log"' EXIT
trap 'exit 1' HUP INT TERM
passed=0
failed=0
skipped=0

# part NAME COMMAND...
part()
{
    echo "== $1"
    shift
    { "$@" 2>&1
      echo "exit code $?"; } | tee "$log" | grep -v '^exit code '
    code=$(sed -n 's/^exit code //p' "$log" | tail -n 1)
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
}

part "tests" "$build/tests"
part "layers" sh "$here/layers.sh" "$build"
for script in symbols minimal threads install examples vectors vectors_faults \
              networks seal; do
    if [ -f "$here/$script.sh" ]; then
        part "$script" sh "$here/$script.sh" "$build"
    fi
done
part "constant time" sh "$here/ct.sh" "$build"
part "command" sh "$here/cli.sh" "$build"
part "memory" sh "$here/alloc.sh" "$build"
part "forks" env OMP_NUM_THREADS=2 "$build/tests-omp" fork_
part "daily" sh "$here/daily.sh" "$build"
part "classes" sh "$here/classes.sh" "$build"
part "DICOM" sh "$here/dicom.sh" "$build"
part "fuzzing" sh "$here/../fuzz/check.sh"
part "places" sh "$here/places.sh" "$build"
part "machines" sh "$here/machines.sh" "$build"
part "malice" sh "$here/malice.sh" "$build"
part "volumes" /usr/bin/python3 -B "$here/volumes.py" "$build"
part "blind" /usr/bin/python3 -B "$here/blind.py" "$build"
part "blind faults" /usr/bin/python3 -B "$here/blind_faults.py" "$build"
part "labels" /usr/bin/python3 -B "$here/labels.py" "$build"
part "solids" /usr/bin/python3 -B "$here/solids.py" "$build"
if command -v python3 >/dev/null 2>&1; then
    part "docs" python3 "$here/../../docs/docs.py"
else
    echo "skip docs: no python3"
    skipped=$((skipped + 1))
fi
if [ -n "$CROSS" ]; then        # minutes: a dozen builds
    part "cross" sh "$here/cross.sh"
fi
printf '%s passed, %s failed' "$passed" "$failed"
[ "$skipped" -eq 0 ] || printf ', %s skipped' "$skipped"
echo
[ "$failed" -eq 0 ]
