#!/bin/sh
# vectors_blind_faults.sh [BUILD] -- faults planted in a copy of the two-party
# code: the vectors must catch each, in the file and the operation named.  Most
# are on both sides alike, so that sessions still give the right masks.
#
# One fault a line: file, what sed does, file of vectors, operation, separated
# by tabs.  A fault that changes nothing counts as failed.  Ends with
# "N passed, N failed".
cd "$(dirname "$0")/../.." || exit 1
build=${1:-build}
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
passed=0
failed=0

if ! "$build/tests" -l vectors_of | grep -q vectors_of; then
    echo "skip faults of two parties: no GMP"
    echo "0 passed, 0 failed, 1 skipped"
    exit 0
fi
mkdir -p "$work/tree/build" || exit 1
cp -rp Makefile ckks nn unet tests vectors "$work/tree" || exit 1
cp -rp "$build/obj" "$build/tests" "$work/tree/build" || exit 1
cd "$work/tree" || exit 1
cat >"$work/list" <<'LIST'
unet/blind/garble.c	s/g->tweak += 2 \* (uint64_t)lanes/g->tweak += 2 * (uint64_t)lanes - 1/	gates	sign
unet/blind/garble.c	s/const unsigned v = blind_colour(bit\[i\]);/const unsigned v = 0 * blind_colour(bit[i]);/	gates	project
unet/blind/circuit.c	s/blind_and(c, a, b, lanes, g)/blind_and(c, b, a, lanes, g)/	gates	sign
unet/blind/circuit.c	s/blind_and(t, t, bit, lanes, g)/blind_and(t, bit, t, lanes, g)/	gates	last
unet/blind/mux.c	s/m0 + x\[i\] - 2 \* cx - m1/m0 + x[i] - 2 * cx - m1 - 1/	gates	mux
unet/blind/base.c	s/cki_store32(h->index, i)/cki_store32(h->index, 0 * i)/	transfers	base
unet/blind/transfer.c	s/e->used += blocks/e->used += 0 * blocks/	transfers	extension
unet/blind/ring.c	s/r->drawn++/0 * r->drawn++/	linear	convolve
unet/blind/tile.c	s/TILE_POINTS = 32 }/TILE_POINTS = 64 }/	linear	convolve
unet/blind/tile.c	s/return in - shared;/return in - 0 * shared;/	linear	convolve
unet/blind/conv_reply.c	s/minus\[l\] = cki_neg(\*mask, p);/minus[l] = *mask;/	linear	convolve
unet/blind/share.c	s/server ? 0 - /!server ? 0 - /	linear	truncate
unet/blind/square.c	s/x\[i\] = q->p->server ?/x[i] = !q->p->server ?/	linear	square
unet/blind/wire.c	s/b, BLIND_HEADER - 4, NULL/b, BLIND_HEADER - 8, NULL/	sessions	session
unet/blind/chunk.c	s/p->label += c->count \* (uint64_t)pass->width/p->label += c->count/	sessions	session
unet/blind/relu.c	s/g.tweak += c->count \* (uint64_t)(2 \* pass->ands + pass->projections)/g.tweak += 1/	sessions	session
unet/blind/session.c	s/cki_store32(b + sizeof b - 4, squares)/cki_store32(b + sizeof b - 4, 0 * squares)/	sessions	session
LIST
while IFS='	' read -r file edit vectors operation; do
    cp -p "$file" "$work/saved"
    sed "$edit" "$work/saved" >"$file"
    why=
    if cmp -s "$file" "$work/saved"; then
        why="the edit changes nothing"
    elif ! make B=build build/tests >"$work/log" 2>&1; then
        why="it does not compile"
    else
        build/tests vectors_of >"$work/log" 2>&1
        line=$(grep "b1/$vectors.json: case [0-9]*, $operation, " "$work/log" \
               | head -n 1)
        [ -n "$line" ] || why="$vectors.json tells nothing of $operation"
    fi
    cp "$work/saved" "$file"
    rm -f "build/obj/${file%.c}.o"
    if [ -z "$why" ]; then
        passed=$((passed + 1))
        echo "ok   $file: $(echo "$line" | sed 's|.*b1/||' | cut -c1-150)"
    else
        failed=$((failed + 1))
        echo "FAIL $file ($edit): $why"
        tail -n 3 "$work/log" | cut -c1-250
    fi
done <"$work/list"
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
