#!/bin/sh
# web.sh [BUILD] -- the owner's side in a browser: sizes of modules, the same
# bytes from another folder, their vectors and their work in node; then the page
# (web_page.sh).  Needs what `make check-web` builds.  Ends with "N passed, N
# failed, N skipped".
cd "$(dirname "$0")/../.." || exit 1
build=${1:-build}
here=tests/scripts
modules=volley.wasm
[ ! -f "$build/web/volley-simd.wasm" ] || modules="volley.wasm volley-simd.wasm"
most=100000                             # bytes with brotli, of each module
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

# ---- the modules -----------------------------------------------------------------
# The same sources elsewhere, under another name.
mkdir "$work/else where"
tar -cf - Makefile ckks nn unet tests/scripts vectors/check \
    | tar -xf - -C "$work/else where"
for module in $modules; do
    wasm=$build/web/$module
    size=$(wc -c <"$wasm.br")
    gzipped=$(gzip -9c "$wasm" | wc -c)
    echo "$module: $(wc -c <"$wasm") bytes, $gzipped with gzip -9, $size with" \
        "brotli"
    : >"$work/log"
    [ "$size" -le "$most" ]
    judge "$module: $size bytes with brotli, over $most" $?
    ! grep -aq -e "$PWD" -e "/unet/web/" -e "\.c$" "$wasm"
    judge "no path in $module" $?
    ( cd "$work/else where" && ${MAKE:-make} --no-print-directory B=other \
        "other/web/$module" ) >"$work/log" 2>&1 \
        && cmp "$work/else where/other/web/$module" "$wasm" >>"$work/log" 2>&1
    judge "$module: the same bytes from another folder" $?
done

# ---- in node ---------------------------------------------------------------------
# Older engines want to be told to have relaxed SIMD.
relaxed=--experimental-wasm-relaxed-simd
node $relaxed -e 0 2>/dev/null || relaxed=
part node tests/web/vectors.mjs "$build"
if [ "$modules" != volley.wasm ]; then
    part node $relaxed tests/web/vectors.mjs "$build" fma2 vectors-simd.wasm
    part node $relaxed tests/web/simd.mjs "$build"
fi
part sh "$here/relaxed.sh"
part node tests/web/volley.mjs "$build"
part node tests/web/images.mjs "$build"
part sh "$here/web_page.sh" "$build"
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
