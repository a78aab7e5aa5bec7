#!/bin/sh
# vectors_faults.sh [BUILD] -- faults planted in a copy of the sources, one a
# stage: the vectors must catch each, and the message must name the stage.
#
# One fault a line: the stage, file, what sed does, the file of vectors and the
# operation whose message is wanted, separated by tabs.  A fault that changes
# nothing counts as failed: the list must follow the code.  Ends with
# "N passed, N failed".
cd "$(dirname "$0")/../.." || exit 1
build=${1:-build}
root=$(pwd)
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
passed=0
failed=0

mkdir -p "$work/tree/build" || exit 1
cp -rp Makefile ckks nn unet vectors "$work/tree" || exit 1
cp -rp "$build/omp" "$build/vectors-check" "$work/tree/build" || exit 1
cd "$work/tree" || exit 1
cat >"$work/list" <<'LIST'
root	ckks/base/prime.c	s/if (root < best)/if (root > best)/	v1/words	root
automorphism index	ckks/ring/galois.c	s/uint32_t e = (factor \* cki_bitrev(i, log_n) + 1) \* g/uint32_t e = factor * cki_bitrev(i, log_n) * g + 1/	v1/words	automorphism
automorphism index	ckks/scheme/context.c	s/slots + slots) % slots);/slots + slots) % slots + 1);/	v1/words	galois_element
sampler	ckks/scheme/rng.c	s/(int)(y & 31) - (int)(y >> 32 & 31)/(int)(y >> 32 \& 31) - (int)(y \& 31)/	v1/streams	sample_error
stream	ckks/scheme/rng.c	s/cki_store64(m + 8, b);/cki_store64(m + 8, b \& 0xffffffff);/	v1/streams	stream
rounding	ckks/ring/divide.c	s/d->c, true, r->n);/d->c, false, r->n);/	v1/base	mod_down
rounding	ckks/scheme/encode.c	s/(d >= 0.5) - (d <= -0.5)/(d >= 0.5) - (d < -0.5)/	v1/encoding	encode_const
sign	ckks/scheme/hide.c	s/\.w = r->mod\[t\]\.p - 1,/.w = 1,/	v1/keys	key_public
sign	ckks/scheme/encrypt.c	s/ctx->n, e, \&m, 1, work, i, ctx);/ctx->n, e, \&m, ctx->rns.mod[i].p - 1, work, i, ctx);/	v1/encryption	encrypt_secret
gadget	ckks/scheme/keymake.c	s/prime \/ ctx->alpha == j;/prime % ctx->dnum == j;/	v1/keys	key_switching
digit order	ckks/scheme/keyswitch.c	s/w->ctx, j, 0, row)/w->ctx, w->up.digits - 1 - j, 0, row)/	v1/switching	relin
digit order	ckks/scheme/modup.c	s/r->p_mod\[u->specials\]\[t\], m)/1, m)/	v1/fitted	relin
rounding	ckks/ring/divide.c	s/memcpy(d.inv, r->p_inv\[k\], /memcpy(d.inv, r->p_inv[r->num_special], /	v1/fitted	mod_down
frame	ckks/bytes/serial.c	s/checksum_written = CHECKSUM_XXH64/checksum_written = CHECKSUM_NONE/	v1/objects	bytes_params
byte order	ckks/bytes/serial_data.c	s/cki_store32(b + 4, (uint32_t)ct->level);/cki_store32(b + 4, (uint32_t)ct->level << 24);/	v1/objects	bytes_ciphertext
byte order	ckks/base/bits.c	s/cki_store64(out, acc);/cki_store64(out, acc << 32 | acc >> 32);/	v1/objects	bytes_plaintext
layout	unet/tiles.c	s/k \/ columns \* p->core_height/k % columns * p->core_height/	v1/network	tiles
root	ckks/base/prime.c	s/if (root < best)/if (root > best)/	v2/words	root
automorphism index	ckks/ring/galois.c	s/uint32_t e = (factor \* cki_bitrev(i, log_n) + 1) \* g/uint32_t e = factor * cki_bitrev(i, log_n) * g + 1/	v2/words	automorphism
automorphism index	ckks/scheme/context.c	s/slots + slots) % slots);/slots + slots) % slots + 1);/	v2/words	galois_element
rounding	ckks/ring/divide.c	s/d->c, true, r->n);/d->c, false, r->n);/	v2/base	mod_down
encoding	ckks/embed/embed.c	s/(a \* cosine\[k\] + b \* sine\[k\]) \* factor/(a * cosine[k] - b * sine[k]) * factor/	v2/encoding	embed
decoding	ckks/embed/embed.c	s/: k > 0  ? -c\[f->n - k\]/: k > 0  ? c[f->n - k]/	v2/encoding	decode
sampler	ckks/scheme/publish.c	s/w = (int)ceil(error_bits) + hiding_bits;/w = (int)floor(error_bits) + hiding_bits - 1;/	v2/encryption	decrypt_flooded
arithmetic	ckks/scheme/scalar.c	s/cki_ct_limb(\&made, k, i) + h \* half,/cki_ct_limb(\&made, k, i) + (1 - h) * half,/	v2/arithmetic	mul_alternating
arithmetic	ckks/scheme/mul.c	s/tensor_square(out, a, i, true);/tensor_square(out, a, i, false);/	v2/arithmetic	add_square
gadget	ckks/scheme/keymake.c	s/prime \/ ctx->alpha == j;/prime % ctx->dnum == j;/	v2/keys	key_switching
digit order	ckks/scheme/keyswitch.c	s/w->ctx, j, 0, row)/w->ctx, w->up.digits - 1 - j, 0, row)/	v2/switching	relin
digit order	ckks/scheme/modup.c	s/r->p_mod\[u->specials\]\[t\], m)/1, m)/	v2/fitted	relin
refusal	ckks/scheme/rotate.c	s/s == CKKS_OK \&\& a->ctx->real/false/	v2/switching	refuse_conj
LIST
while IFS='	' read -r stage file edit vectors operation; do
    cp -p "$file" "$work/saved"
    sed "$edit" "$work/saved" >"$file"
    why=
    if cmp -s "$file" "$work/saved"; then
        why="the edit changes nothing"
    elif ! make B=build build/vectors-check >"$work/log" 2>&1; then
        why="it does not compile"
    else
        build/vectors-check "$root/vectors/$vectors.json" \
            >"$work/log" 2>&1
        code=$?
        line=$(grep " $operation: stage \"$stage\": " "$work/log" \
               | head -n 1)
        [ "$code" -eq 1 ] || why="exit code $code"
        [ -n "$line" ] || why="no line names the stage"
    fi
    # the object must not outlive its source
    cp "$work/saved" "$file"
    object=build/omp/${file%.c}.o
    rm -f "$object"
    if [ -z "$why" ]; then
        passed=$((passed + 1))
        echo "ok   $stage: $(echo "$line" | sed 's|.*/vectors/||' | cut -c1-150)"
    else
        failed=$((failed + 1))
        echo "FAIL $stage ($file): $why"
        head -n 3 "$work/log" | cut -c1-250
    fi
done <"$work/list"

# A kernel that computes nonsense is refused, and not as one that this machine
# lacks: tests/scripts/vectors.sh and tests/scripts/cross.sh skip the latter only.
cp -p ckks/kernel/portable/ntt_inv.c "$work/saved"
sed 's/cki_mul(t->n_inv_v, factor/cki_mul(t->n_inv, factor/' "$work/saved" \
    >ckks/kernel/portable/ntt_inv.c
make B=build build/vectors-check >"$work/log" 2>&1 \
    && build/vectors-check --kernel portable "$root/vectors/v1/words.json" \
       >"$work/log" 2>&1
if [ $? -eq 1 ] && grep "gives wrong answers" "$work/log"; then
    passed=$((passed + 1))
else
    failed=$((failed + 1))
    echo "FAIL a kernel that gives wrong answers"
    head -n 3 "$work/log" | cut -c1-250
fi
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
