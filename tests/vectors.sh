#!/bin/sh
# vectors.sh [BUILD] -- the test vectors: what the generator writes is what
# stands in vectors/, every kernel gives these words, the readers to copy work.
#
# CKKS_LONG=1 writes all files anew, else those that take seconds.  Ends with
# "N passed, N failed" or "N passed, N failed, N skipped".
cd "$(dirname "$0")/.." || exit 1
build=${1:-build}
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
passed=0
failed=0
skipped=0

# judge NAME CODE: prints the log of a failure
judge()
{
    if [ "$2" -eq 0 ]; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "FAIL $1"
        head -n 10 "$work/log" | cut -c1-300
    fi
}

# ---- every kernel ----------------------------------------------------------------
for kernel in portable avx2 avx512ifma; do
    if "$build/volley" vectors --kernel $kernel vectors/v1/[a-l]*.json \
        vectors/v1/[n-z]*.json >"$work/log" 2>&1; then
        cat "$work/log"
        passed=$((passed + 1))
    elif grep -qE "does not work on this machine|no kernel named" "$work/log"
    then                        # one that gives wrong answers is a failure
        echo "skip kernel $kernel: $(sed 's/.*cannot be used: //' "$work/log" \
             | cut -c1-200)"
        skipped=$((skipped + 1))
    else
        judge "kernel $kernel" 1
    fi
done
"$build/volley" vectors --json vectors/v1/network.json >"$work/log" 2>&1
judge "--json" $?
grep -q '"mismatches": 0' "$work/log"
judge "--json tells the counts" $?

# refuses CODE WORDS ARGUMENTS...: exit code and message
refuses()
{
    code=$1
    words=$2
    shift 2
    "$build/volley" vectors "$@" >"$work/log" 2>&1
    [ $? -eq "$code" ] && grep -q "$words" "$work/log"
    judge "volley vectors $*" $?
}
refuses 2 "a file is missing"
refuses 2 "unknown option" --ring 4 vectors/v1/words.json
refuses 1 "kernel abacus cannot be used" --kernel abacus vectors/v1/words.json
refuses 1 "from a library said to have none" --no-checksums \
    vectors/v1/objects.json
refuses 1 "nothing.json" "$work/nothing.json"
refuses 1 "vectors.h" vectors/v1/vectors.h

# ---- generator, schema, manifest ----------------------------------------------------
if command -v python3 >/dev/null 2>&1; then
    names="words streams base encoding keys objects network fitted"
    if [ -n "$CKKS_LONG" ]; then
        names="$names encryption arithmetic switching"
    fi
    # shellcheck disable=SC2086
    python3 -B vectors/generate/write.py "$work" $names header \
        >"$work/log" 2>&1
    judge "the generator runs" $?
    for name in $names; do
        cmp "$work/$name.json" "vectors/v1/$name.json" >"$work/log" 2>&1
        judge "$name.json is what the generator writes" $?
    done
    cmp "$work/vectors.h" vectors/v1/vectors.h >"$work/log" 2>&1
    judge "vectors.h is what the generator writes" $?
    python3 -B tests/vectors.py vectors/v1 "$build/volley" >"$work/log" 2>&1
    judge "schema, manifest, alterations" $?
    head -n 1 "$work/log"
    python3 vectors/example.py vectors/v1/words.json >"$work/log" 2>&1
    judge "vectors/example.py" $?
else
    echo "skip generator and schema: no python3"
    skipped=$((skipped + 1))
fi
${CC:-cc} -std=c11 -o "$work/example" vectors/example.c >"$work/log" 2>&1 \
    && "$work/example" >"$work/log" 2>&1
judge "vectors/example.c" $?
printf '%s passed, %s failed' "$passed" "$failed"
[ "$skipped" -eq 0 ] || printf ', %s skipped' "$skipped"
echo
[ "$failed" -eq 0 ]
