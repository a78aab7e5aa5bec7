#!/bin/sh
# vectors.sh [BUILD] -- the test vectors: what the generator writes is what
# stands in vectors/, every kernel gives these words, the readers to copy work.
# Those of two parties (vectors/b1) are compared by tests/blind/test_vectors_*.c.
#
# CKKS_LONG=1 writes all files anew, else those that take seconds.  Ends with
# "N passed, N failed" or "N passed, N failed, N skipped".
cd "$(dirname "$0")/../.." || exit 1
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
for kernel in portable fma2 avx2 avx512ifma; do
    if "$build/vectors-check" --kernel $kernel vectors/v?/*.json >"$work/log" 2>&1; then
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
"$build/vectors-check" --json vectors/v1/network.json >"$work/log" 2>&1
judge "--json" $?
grep -q '"mismatches": 0' "$work/log"
judge "--json tells the counts" $?

# refuses CODE WORDS ARGUMENTS...: exit code and message
refuses()
{
    code=$1
    words=$2
    shift 2
    "$build/vectors-check" "$@" >"$work/log" 2>&1
    [ $? -eq "$code" ] && grep -q "$words" "$work/log"
    judge "vectors-check $*" $?
}
refuses 2 "a file is missing"
refuses 2 "without its value" --kernel
refuses 2 "unknown option" --ring 4 vectors/v1/words.json
refuses 1 "kernel abacus cannot be used" --kernel abacus vectors/v1/words.json
refuses 1 "from a library said to have none" --no-checksums \
    vectors/v1/objects.json
refuses 1 "nothing.json" "$work/nothing.json"
refuses 1 "vectors.h" vectors/v1/vectors.h

# same FOLDER VERSION NAMES...: the generator writes these files
same()
{
    folder=$1
    version=$2
    shift 2
    mkdir "$work/$folder"
    python3 -B vectors/generate/write.py "$version" "$work/$folder" "$@" \
        >"$work/log" 2>&1
    judge "the generator runs, version $version" $?
    for name in "$@"; do
        [ "$name" != header ] || continue
        cmp "$work/$folder/$name.json" "vectors/$folder/$name.json" \
            >"$work/log" 2>&1
        judge "$folder/$name.json is what the generator writes" $?
    done
}

# written VERSION NAMES...: the generator writes these files, and the header
written()
{
    version=$1
    shift
    if [ -n "$CKKS_LONG" ]; then
        [ "$version" -eq 2 ] || set -- "$@" arithmetic
        set -- "$@" encryption switching
    fi
    same "v$version" "$version" "$@" header
    cmp "$work/v$version/vectors.h" "vectors/v$version/vectors.h" \
        >"$work/log" 2>&1
    judge "v$version/vectors.h is what the generator writes" $?
}

# ---- generator, schema, manifest ----------------------------------------------------
if command -v python3 >/dev/null 2>&1; then
    written 1 words streams base encoding keys objects network fitted
    written 2 words streams base encoding keys objects network fitted complex \
        arithmetic
    set -- gates
    [ -z "$CKKS_LONG" ] || set -- gates transfers linear sessions
    same b1 b1 "$@"
    python3 -B tests/scripts/vectors.py vectors "$build/vectors-check" >"$work/log" 2>&1
    judge "schemas, manifests, alterations" $?
    head -n 2 "$work/log"
    python3 vectors/example.py vectors/v1/words.json vectors/v2/words.json \
        >"$work/log" 2>&1
    judge "vectors/example.py" $?
else
    echo "skip generator and schema: no python3"
    skipped=$((skipped + 1))
fi
if command -v node >/dev/null 2>&1; then
    largest=6
    [ -z "$CKKS_LONG" ] || largest=17
    node vectors/check/vectors.js --max $largest vectors/v?/*.json >"$work/log" 2>&1
    judge "vectors/check/vectors.js" $?
else
    echo "skip vectors/check/vectors.js: no node"
    skipped=$((skipped + 1))
fi
${CC:-cc} -std=c11 -ffp-contract=off -o "$work/example" vectors/example.c -lm \
    >"$work/log" 2>&1 \
    && "$work/example" >"$work/log" 2>&1
judge "vectors/example.c" $?
printf '%s passed, %s failed' "$passed" "$failed"
[ "$skipped" -eq 0 ] || printf ', %s skipped' "$skipped"
echo
[ "$failed" -eq 0 ]
