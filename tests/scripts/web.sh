#!/bin/sh
# web.sh [BUILD] -- the owner's side in a browser: the module's size, the same
# bytes from another folder, its vectors and its work in node; then the page
# (web_page.sh).  Needs what `make check-web` builds.  Ends with "N passed, N
# failed, N skipped".
cd "$(dirname "$0")/../.." || exit 1
build=${1:-build}
here=tests/scripts
wasm=$build/web/volley.wasm
most=102400                             # bytes with gzip -9
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
passed=0
failed=0
skipped=0

# judge NAME CODE: what it printed is shown after a failure
judge()
{
    if [ "$2" -eq 0 ]; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "FAIL $1"
        [ ! -s "$work/log" ] || tail -n 10 "$work/log" | cut -c1-300
    fi
}

# part COMMAND...: adds what its last line says
part()
{
    "$@" >"$work/out" 2>&1
    code=$?
    cat "$work/out"
    line=$(grep -E '^[0-9]+ passed, [0-9]+ failed' "$work/out" | tail -n 1)
    counts=$(echo "$line" | tr -cd '0-9 ')
    what=$*
    set -- $counts
    passed=$((passed + ${1:-0}))
    failed=$((failed + ${2:-0}))
    skipped=$((skipped + ${3:-0}))
    if [ -z "$line" ] || { [ "$code" -ne 0 ] && [ "${2:-0}" -eq 0 ]; }; then
        failed=$((failed + 1))
        echo "FAIL $what: exit code $code"
    fi
}

# ---- the module ------------------------------------------------------------------
size=$(gzip -9c "$wasm" | wc -c)
echo "volley.wasm: $(wc -c <"$wasm") bytes, $size with gzip -9, of $most"
: >"$work/log"
[ "$size" -le "$most" ]
judge "volley.wasm: $size bytes with gzip -9, over $most" $?
! grep -aq -e "$PWD" -e "/unet/web/" -e "\.c$" "$wasm"
judge "no path in volley.wasm" $?

# The same sources elsewhere, under another name.
mkdir "$work/else where"
tar -cf - Makefile ckks nn unet tests/scripts vectors/check \
    | tar -xf - -C "$work/else where"
( cd "$work/else where" && ${MAKE:-make} --no-print-directory B=other \
    other/web/volley.wasm ) >"$work/log" 2>&1 \
    && cmp "$work/else where/other/web/volley.wasm" "$wasm" >>"$work/log" 2>&1
judge "the same bytes from another folder" $?

# ---- in node ---------------------------------------------------------------------
part node tests/web/vectors.mjs "$build"
part node tests/web/volley.mjs "$build"
part node tests/web/images.mjs "$build"
part sh "$here/web_page.sh" "$build"
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
