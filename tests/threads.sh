#!/bin/sh
# threads.sh BUILD -- the library with OpenMP, as the command has it, in a host
# program whose threads round otherwise.  Ends with "N passed, N failed" or "N
# passed, N failed, N skipped".
build=${1:-build}
cd "$(dirname "$0")/.." || exit 1
CC=${CC:-cc}
libs=${FULL_LIBS:--lfftw3 -pthread -lxxhash -lm}
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
passed=0
failed=0
skipped=0

# verdict NAME CODE: 2 is a skip
verdict()
{
    case $2 in
        0) passed=$((passed + 1)) ;;
        2) skipped=$((skipped + 1))
           echo "skip $1: $(head -n 1 "$work/log" | cut -c1-200)" ;;
        *) failed=$((failed + 1))
           echo "FAIL $1"
           tail -n 5 "$work/log" | cut -c1-300 ;;
    esac
}

objects=$(find "$build/omp/ckks" -name '*.o' 2>/dev/null)
# shellcheck disable=SC2086
if [ -z "$objects" ] || ! nm $objects 2>/dev/null | grep -qE 'GOMP_|__kmpc_'
then
    echo "no objects with OpenMP" >"$work/log"
    verdict "threads of the host" 2
elif $CC -std=c11 -O1 -fopenmp -Ickks -o "$work/rounding" \
    tests/threads/rounding.c $objects $libs >"$work/log" 2>&1; then
    for kernel in portable avx2 avx512ifma; do
        "$work/rounding" $kernel >"$work/log" 2>&1
        verdict "rounding modes of OpenMP's threads, kernel $kernel" $?
    done
else
    verdict "rounding.c compiles" 1
fi
printf '%s passed, %s failed' "$passed" "$failed"
[ "$skipped" -eq 0 ] || printf ', %s skipped' "$skipped"
echo
[ "$failed" -eq 0 ]
