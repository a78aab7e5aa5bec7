#!/bin/sh
# threads.sh BUILD -- the library with OpenMP, as the command has it, in a host
# program whose threads round otherwise; and that tests/ckks/test_rounding.c calls
# every function that computes.  Ends with "N passed, N failed" or "N passed, N
# failed, N skipped".
build=${1:-build}
cd "$(dirname "$0")/../.." || exit 1
CC=${CC:-cc}
libs=${FULL_LIBS:--pthread -lxxhash -lm}
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

# Objects of sources that are there: others are of a build before.
objects=$(cd "$build/omp" 2>/dev/null && find ckks -name '*.o')
objects=$(for o in $objects; do
              [ -f "${o%.o}.c" ] && echo "$build/omp/$o"
          done)
case $libs in
    *fftw3*) ;;
    *) objects=$(echo "$objects" | grep -v fft_fftw) ;;
esac
# shellcheck disable=SC2086
if [ -z "$objects" ] || ! nm $objects 2>/dev/null | grep -qE 'GOMP_|__kmpc_'
then
    echo "no objects with OpenMP" >"$work/log"
    verdict "threads of the host" 2
elif $CC -std=c11 -O1 -fopenmp -Ickks -o "$work/rounding" \
    tests/threads/rounding.c $objects $libs >"$work/log" 2>&1; then
    for kernel in portable fma2 avx2 avx512ifma; do
        "$work/rounding" $kernel >"$work/log" 2>&1
        verdict "rounding modes of OpenMP's threads, kernel $kernel" $?
    done
else
    verdict "rounding.c compiles" 1
fi
# Those of the headers that compute nothing in doubles and call no kernel.
exempt='ckks_(.*_clear|.*_size|ctx_[a-z_]*|file_.*|params_(save|load|resolve)
    |seal_params_.*|rng_.*|stream|sample_.*|blake2b|status_name|last_error
    |ct_copy|ct_swap|keys_count|keys_level|max_log_qp|galois)'
exempt=$(echo "$exempt" | tr -d ' \n')
sh tests/scripts/exports.sh ckks | grep -Exv "$exempt" \
    | sort -u >"$work/computes"
nm -u "$build/obj/tests/ckks/test_rounding.o" | awk '{ print $2 }' | sort -u \
    >"$work/called"
comm -23 "$work/computes" "$work/called" >"$work/log"
[ "$(wc -l <"$work/computes")" -gt 50 ] && [ ! -s "$work/log" ]
verdict "test_rounding.c calls all that computes" $?
printf '%s passed, %s failed' "$passed" "$failed"
[ "$skipped" -eq 0 ] || printf ', %s skipped' "$skipped"
echo
[ "$failed" -eq 0 ]
