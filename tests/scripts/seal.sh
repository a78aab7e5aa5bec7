#!/bin/sh
# seal.sh [BUILD] -- objects and results exchanged with SEAL, both ways: it
# loads ours and we load its, each does the same operations with the other's
# keys, and the words are compared.
#
# Needs Node and `make deps-seal`, or SEAL_PROGRAM: vectors/check/seal.cpp,
# compiled (tests/scripts/peers.sh does); without either the part is skipped, or fails
# if SEAL_REQUIRED is set.  SEAL_LIST=1 prints every object and operation.
# Ends with "N passed, N failed".
here=$(cd "$(dirname "$0")/.." && pwd)
build=${1:-build}
exchange=$build/seal-exchange
passed=0
failed=0

seal()
{
    if [ -n "$SEAL_PROGRAM" ]; then
        "$SEAL_PROGRAM" "$@"
    else
        node "$here/seal/seal.js" "$@"
    fi
}

missing=
if [ -z "$SEAL_PROGRAM" ]; then
    command -v node >/dev/null || missing="no Node"
    [ -f "$here/../node_modules/node-seal/package.json" ] \
        || missing=${missing:-"no node-seal (make deps-seal)"}
fi
[ -x "$exchange" ] || missing=${missing:-"no $exchange"}
if [ -n "$missing" ]; then
    if [ -n "$SEAL_REQUIRED" ]; then
        echo "FAIL the exchange with SEAL is required: $missing"
        echo "0 passed, 1 failed"
        exit 1
    fi
    echo "skip the exchange with SEAL: $missing"
    echo "0 passed, 0 failed, 1 skipped"
    exit 0
fi
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

# side TITLE COMMAND...: one list; its last line counts
side()
{
    title=$1
    shift
    "$@" >"$work/log" 2>&1
    code=$?
    line=$(grep -E '^[0-9]+ passed, [0-9]+ failed$' "$work/log" | tail -n 1)
    set -- $(echo "$line" | tr -cd '0-9 ')
    passed=$((passed + ${1:-0}))
    failed=$((failed + ${2:-0}))
    if [ -z "$line" ] || { [ "$code" != 0 ] && [ "${2:-0}" -eq 0 ]; }; then
        failed=$((failed + 1))
        echo "FAIL $title: exit code $code"
        tail -n 3 "$work/log" | cut -c1-300
    fi
    echo "$title$(awk '/ words, / { w += $(NF - 3); d += $(NF - 1); n++ }
        END { if (n) printf ": %d objects, %.0f words, %.0f differ", n, w, d }
        ' "$work/log")"
    if [ -n "$SEAL_LIST" ]; then
        grep -vE '^[0-9]+ passed' "$work/log"
    else
        grep '^FAIL' "$work/log"
    fi
}

# quiet COMMAND...: makes files, prints nothing
quiet()
{
    "$@" >"$work/log" 2>&1 && return
    failed=$((failed + 1))
    echo "FAIL $*"
    tail -n 3 "$work/log" | cut -c1-300
}

# exchange_set LOGN SCALE BITS...: log2 of N and of the scale, sizes of the
# primes.  Primes themselves: the parameters of Volley serve both.
exchange_set()
{
    log_n=$1
    scale=$2
    shift 2
    n=$((1 << log_n))
    name="N = $n, primes of $* bits"
    rm -rf "$work/seal" "$work/volley"
    mkdir "$work/seal" "$work/volley"
    quiet "$exchange" make "$work/volley" "$log_n" "$scale" "$@"
    if [ "$1" -gt 61 ]; then
        name="N = $n, other primes"
        cp "$work/volley/parms" "$work/seal/parms"
        quiet seal make "$work/seal" "$scale"
    else
        quiet seal make "$work/seal" "$scale" "$n" "$@"
    fi
    side "$name: SEAL made it, Volley does the same" \
        "$exchange" check "$work/seal"
    side "$name: SEAL reads back" \
        seal back "$work/seal"
    side "$name: Volley made it, SEAL does the same" \
        seal check "$work/volley"
    side "$name: Volley reads back" "$exchange" back "$work/volley"
}

# Primes far below a power of two: in 32 words of a seed one or more is drawn
# again; with SEAL's usual ones hardly ever.
exchange_set 5 40 714811332856246081 40 40 1037629354146165377
exchange_set 5 30 40 30 30 40           # small
exchange_set 12 50 60 50 50 60          # the portable kernel
exchange_set 13 40 48 40 40 48          # SIMD
exchange_set 14 40 48 40 40 40 40 48    # a longer chain
exchange_set 14 30 60 40 40 60          # loud: slot 0 of rotations near 2^-9
if [ -x "$build/examples/05_sum_with_seal" ]; then
    kept=$here/../examples/data/seal
    quiet "$build/examples/05_sum_with_seal" "$kept" "$work/answer"
    side "examples/05_sum_with_seal.c: SEAL reads its answer" \
        seal sum "$kept" "$work/answer"
fi
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
