#!/bin/sh
# relaxed.sh -- the kernel of two lanes (ckks/kernel/fma2) is taken where a
# fused multiply-add rounds once, and refused where it rounds twice, as relaxed SIMD
# of WebAssembly may: then a context takes portable.
#
# Kernels and what is below them are built twice, as they are and with a header
# in which the product is rounded before the sum; on this machine, if it is an
# x86-64 with FMA or an AArch64, and as WebAssembly, by clang-19 and node (make
# deps-web).  Ends with "N passed, N failed", with what was skipped.
cd "$(dirname "$0")/../.." || exit 1
cc=${CC:-gcc}
wasm_cc=${WEB_SIMD_CC:-clang-19}
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
passed=0
failed=0
skipped=0

ok()
{
    echo "ok   $1"
    passed=$((passed + 1))
}
bad()
{
    echo "FAIL $1"
    tail -n 5 "$work/log" | cut -c1-300
    failed=$((failed + 1))
}
skip()
{
    echo "skip $1"
    skipped=$((skipped + 1))
}

# As it is, and with two roundings.
mkdir "$work/once" "$work/twice"
cp -r ckks "$work/once"
cp -r ckks "$work/twice"
lanes=ckks/kernel/fma2/lanes.h
sed '/ vec fmadd(/,/^}/s/return .*/return a * b + c;/
     / vec fnmadd(/,/^}/s/return .*/return c - a * b;/' $lanes \
    >"$work/twice/$lanes"

# built COMPILER... -- $work/which of $work/$kind
built()
{
    # shellcheck disable=SC2046
    "$@" -std=c11 -D_POSIX_C_SOURCE=200809L -O1 -ffp-contract=off \
        -DCKI_HAVE_FMA2 -I"$work/$kind/ckks" -o "$work/which" \
        tests/relaxed/which.c $(find "$work/$kind/ckks/base" \
            "$work/$kind/ckks/kernel/portable" \
            "$work/$kind/ckks/kernel/fma2" -name '*.c') \
        "$work/$kind"/ckks/kernel/*.c -lm >"$work/log" 2>&1
}

# judge NAME COMMAND...: what $work/which says of its kernels
judge()
{
    name=$1
    shift
    case $kind in
    once)  want='^fma2; fma2$' ;;
    twice) want='^portable; .*kernel fma2 gives wrong answers' ;;
    esac
    if "$@" >"$work/log" 2>&1 && grep -q "$want" "$work/log"; then
        ok "$name, rounding $kind: $(cat "$work/log")"
    else
        bad "$name, rounding $kind"
    fi
}

for kind in once twice; do
    case $(uname -m) in
    x86_64) flag=-mfma ;;
    aarch64) flag= ;;
    *) flag=none ;;
    esac
    if [ "$flag" = none ] || { [ -n "$flag" ] \
           && ! grep -qw fma /proc/cpuinfo; }; then
        skip "this machine, rounding $kind: no fused multiply-add"
    elif built "$cc" $flag; then
        judge "this machine" "$work/which"
    else
        bad "this machine, rounding $kind: it does not build"
    fi
    if ! command -v "$wasm_cc" >/dev/null || ! command -v node >/dev/null; then
        skip "WebAssembly, rounding $kind: no $wasm_cc, or no node"
    elif built "$wasm_cc" --target=wasm32-wasi -mrelaxed-simd; then
        judge WebAssembly node --no-warnings --experimental-wasm-relaxed-simd \
              tests/relaxed/run.mjs "$work/which"
    else
        bad "WebAssembly, rounding $kind: it does not build"
    fi
done

printf '%s passed, %s failed' "$passed" "$failed"
[ "$skipped" -eq 0 ] || printf ', %s skipped' "$skipped"
echo
[ "$failed" -eq 0 ]
