#!/bin/sh
# mutate.sh -- plants one-line faults, one at a time, in a copy of the sources
# and requires the tests to fail.  Prints "N passed, N failed": a fault that
# was caught has passed.  Takes some minutes; not part of `make check`.
#
#   sh tests/scripts/mutate.sh [WORD]      only faults whose line contains WORD
#
# One fault a line: file, what sed does, the tests to run (a word of their
# names; the first that fails is enough), separated by tabs.  A fault that no
# longer changes its file counts as failed: the list must follow the code.

root=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT INT TERM
mkdir "$work/tree"
cd "$root" && cp -r Makefile ckks nn unet tests examples vectors "$work/tree" || exit 1
cd "$work/tree" || exit 1
jobs=$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)

cat > "$work/list" <<'LIST'
ckks/kernel/portable/ntt.c	s/u_ + p2 - t_; /u_ + p - t_; /	kernel_ntt
ckks/kernel/portable/ntt.c	s/x\[3\] = canonical(h, p);/x[3] = h >= 2 * p ? h - 2 * p : h;/	kernel_ntt
ckks/kernel/table.c	s/t->n_inv_v = .*/t->n_inv_v = t->n_inv;/	kernel_ntt
ckks/kernel/portable/portable.h	s/s->hi += hi + (s->lo < lo);/s->hi += hi;/	kernel_
ckks/kernel/portable/convert.c	s/(half - y\[0\]\[k\])/(half - y[0][k] - 1)/	kernel_ exhaustive
ckks/kernel/portable/convert.c	s/up = centred ? 0.5 : 0;/up = 0.5;/	kernel_
ckks/kernel/portable/combine.c	s/((uint64_t)1 << 32) % m->p/((uint64_t)1 << 31) % m->p/	kernel_
ckks/kernel/avx2/lanes.h	s/_mm256_add_pd(x, p), x);/_mm256_add_pd(x, p), p);/	kernel_
ckks/kernel/fma/fma.h	s/return w > p \/ 2 ? -(double)(int64_t)(p - w)/return w > p \/ 2 ? (double)(int64_t)(p - w)/	kernel_
ckks/kernel/fma/ntt.c	s/w\[i + j % 2 \* LANES + j \/ 2\]/w[i + j]/	kernel_ntt
ckks/kernel/fma/ntt_inv.c	s/v\[0\] = reduce(v\[0\], c);/;/	kernel_ntt
ckks/kernel/fma/dot.c	s/add = add_to || j > 0;/add = add_to;/	kernel_dot2
ckks/kernel/fma/convert.c	s/CHUNK = MOST_TERMS/CHUNK = 80/	kernel_convert
ckks/kernel/fma/convert.c	s/count > 2 \&\& k->len < CHUNK/count > 2/	kernel_convert
ckks/kernel/avx2/lanes.h	s/o->put\[first \& 3\]/o->take[first \& 3]/	kernel_dot2
ckks/kernel/fma/dot.c	s/from_words(take_group(out, back\[i\]/from_words(take_group(out, (uint32_t)i/	kernel_dot2
ckks/kernel/fma/pointwise.c	s/mulmod(x + x, y, c)/mulmod(x, y, c)/	kernel_pointwise
ckks/kernel/fma/ntt.c	s/sum\[k\] = mulmod(sum\[k\], e->u, c);/;/	kernel_ntt
ckks/kernel/fma/ntt.c	s/4 \&\& at % part.size == 0/4 \&\& at == 0/	kernel_ntt
ckks/kernel/fma/ntt.c	s/!t->real \&\& !lazy };/!t->real };/	kernel_convert_lazy
ckks/kernel/fma/fold.c	s/return lazy ? load_lazy(x) : load(x);/return load(x);/	kernel_convert_lazy
ckks/kernel/fma/dot.h	s/s = fmadd(low, c.inv, c.magic);/s = c.magic + c.magic;/	kernel_convert_lazy
ckks/kernel/avx2/digits.c	s/if (past)$/if (!past)/	kernel_combine
ckks/kernel/fma/ntt_inv.c	s/constant(cki_mul(ntt->n_inv_v, factor, m), m)/constant(ntt->n_inv_v, m)/	kernel_ntt
ckks/kernel/fma/fma.h	s/all(TWO52 + half) }/all(TWO52) }/	kernel_
ckks/kernel/avx2/digits.c	s/RUN = 1 << 16/RUN = 1 << 18/	kernel_combine
ckks/kernel/avx/pairs.h	s/? 0x80008000/? 0x80000000/	kernel_combine
ckks/kernel/avx/pairs.h	s/return m->p < (uint64_t)1 << 48/return m->p < (uint64_t)1 << 49/	kernel_combine
ckks/kernel/avx/pairs.h	s/- 0x80008000 - 1/- 0x80008000/	kernel_combine
ckks/kernel/avx/pairs.h	s/half > most ? most : half/false ? most : half/	kernel_combine
ckks/kernel/avx2/digits.c	s/low = _mm256_add_pd(low, load(out));/low = _mm256_add_pd(low, c.p);/	kernel_combine
ckks/kernel/avx2/digits.c	s/v2 = _mm256_blend_epi32(v2, _mm256_shuffle_epi32(v3, 0xaa), 0x88);//	kernel_combine
ckks/kernel/ifma/digits.c	s/RUN_OF_THREE = (1 << 16) - 16/RUN_OF_THREE = 1 << 17/	kernel_combine
ckks/kernel/ifma/digits.c	s/m->p << (three ? 15 : 14)/m->p << 14/	kernel_combine
ckks/kernel/ifma/digits.c	s/second = 0xaa/second = 0x55/	kernel_combine
ckks/kernel/ifma/digits.c	s/_MM_FROUND_TO_NEG_INF/_MM_FROUND_TO_POS_INF/	kernel_combine
ckks/kernel/avx/pairs.c	s/b->weight\[k\] >= CKI_PAIR_LIMIT/b->weight[k] >= 2 * CKI_PAIR_LIMIT/	kernel_combine
ckks/kernel/avx/pairs.c	s/b->index\[i\] % 2 ? 16 : 0/0/	kernel_combine
ckks/kernel/avx/pairs.c	s/\&\& b->index\[k\] != b->index\[k + 1\]//	kernel_combine
ckks/kernel/avx/pairs.c	s/if (k > first/if (k < first/	kernel_combine
ckks/kernel/ifma/ntt.h	s/if (f->bound + step > f->room)/if (f->bound > 4 * f->room)/	growing_
ckks/kernel/ifma/ntt.c	s/return rise != NULL ? add(x, \*rise) : x;/return x;/	kernel_ntt
ckks/kernel/ifma/ntt.c	s/rise = add(c.p2, c.p2);/rise = c.p2;/	kernel_ntt
ckks/kernel/ifma/ntt_inv.c	s/x\[0\] = reduce_lazy(x\[0\], f->c);/;/	growing_ kernel_ntt
ckks/kernel/ifma/ntt_inv.c	s/bound > f->bound ? reduce_lazy(x, f->c) : x/x/	growing_ kernel_ntt
ckks/kernel/ifma/ifma.h	s/fold(fold(r, e->c.p2), e->c.p)/fold(r, e->c.p)/	kernel_
ckks/kernel/ifma/ending.h	s/if (j % 3 == 2)/if (j % 3 == 3)/	kernel_ntt
ckks/kernel/ifma/pointwise.c	s/mul_lazy(r1, add(x, x), y, &r)/mul_lazy(r1, x, y, \&r)/	kernel_pointwise
ckks/kernel/ifma/pointwise.c	s/fold(fold(low52(x, c), c.p2), c.p)/fold(low52(x, c), c.p)/	kernel_
ckks/kernel/ifma/combine.c	s/_mm512_srli_epi64(x, 25)/_mm512_srli_epi64(x, 26)/	kernel_combine
ckks/kernel/avx2/combine.c	s/(1 << 25) - 1/(1 << 24) - 1/	kernel_combine
ckks/kernel/avx2/expand.c	s/numbers(node + 4)/numbers(node)/	blake2
ckks/kernel/avx2/expand.c	s/_mm256_cvtepu32_epi64/_mm256_cvtepi32_epi64/	blake2
ckks/kernel/ifma/expand.c	s/if (s < 8)/if (s < 7)/	blake2
ckks/kernel/ifma/expand.c	s/_mm512_cvtepu32_epi64/_mm512_cvtepi32_epi64/	blake2
ckks/kernel/portable/fold.c	/^void cki_portable_fold/,/^}/s/k = 1; k < n/k = 2; k < n/	real_
ckks/kernel/portable/fold.c	/^void cki_portable_fold/,/^}/s/x\[n \/ 2\] = cki_add(/x[n \/ 2] = cki_sub(/	real_
ckks/kernel/portable/fold.c	/^void cki_portable_fold/,/^}/s/x\[n \/ 4\] = cki_sub(b/x[n \/ 4] = cki_sub(a/	real_
ckks/kernel/portable/fold.c	/^void cki_portable_unfold/,/^}/s/x\[0\] = cki_add(x\[0\], x\[0\], p);/;/	real_
ckks/kernel/portable/fold.c	/^void cki_portable_unfold/,/^}/s/cki_sub(a, cki_mul_shoup(b/cki_add(a, cki_mul_shoup(b/	real_
ckks/kernel/portable/fold.c	/^static inline void butterfly_back/,/^}/s/cki_sub(u, v, p)/cki_sub(v, u, p)/	real_
ckks/kernel/table.c	s/root\[i\] = cki_mul(root\[i\], t->fold, mod);/;/	real_
ckks/kernel/table.c	s/root\[n + i\] = cki_mul(root\[n + i\], t->unfold, mod);/;/	real_
ckks/kernel/table.c	s/size_t i = 2; i < 4; i++/size_t i = 3; i < 4; i++/	real_
ckks/kernel/table.c	s/size_t i = 2; i < 4; i++/size_t i = 2; i < 3; i++/	real_
ckks/kernel/table.c	s/t->fold = mod->p - t->unfold;/t->fold = t->unfold;/	real_
ckks/kernel/table.c	s/cki_inv(order \/ 2 % mod->p, mod)/cki_inv(n % mod->p, mod)/	real_
ckks/kernel/table.c	s/cki_pow(psi, order \/ (2 \* m), mod)/cki_pow(psi, ((size_t)2 << log_n) \/ (2 * m), mod)/	real_
ckks/kernel/avx/edge.h	s/j == 0 ? 0 : x\[n - j\]/x[(n - j) % n]/	real_
nn/run/combine.c	s/step % period == 0/step >= 0/	lanes
ckks/kernel/avx/edge.h	s/i < lanes ? i : n \/ 4/i < lanes ? i : n \/ 4 - 1/	real_
ckks/kernel/avx/edge.h	s/x\[n \/ 2 - j\] = e->q\[i\]/x[n \/ 2 - j] = e->p[i]/	real_
ckks/kernel/avx/edge.h	s/e->q\[i\] = x\[n \/ 2 - j\]/e->q[i] = x[n \/ 2 + j]/	real_
ckks/kernel/fma/fold.c	/void fwd_folded/,/^}/s/fwd(p, q, w0, c);/fwd(q, p, w0, c);/	real_
ckks/kernel/fma/fold.c	/void fwd_folded/,/^}/s/fwd(u, p, w1, c);/;/	real_
ckks/kernel/fma/fold.c	/void fwd_real/,/^}/s/store_lazy(end_back - j, reversed(v))/store_lazy(end_back - j, v)/	real_
ckks/kernel/fma/fold.c	/void fwd_real/,/^}/s/constant(t->fold/constant(t->unfold/	real_
ckks/kernel/fma/fold.c	s/v\[0\] = u\[0\];/;/	real_
ckks/kernel/fma/fold.c	s/mulmod(p, plus, c)\[0\]/mulmod(p, minus, c)[0]/	real_
ckks/kernel/fma/fold.c	s/u = mulmod(q, minus, c);/u = mulmod(q, plus, c);/	real_
ckks/kernel/fma/fold.c	/void inv_real/,/^}/s/inv(&q, &v, w1, c);/;/	real_
ckks/kernel/fma/fold.c	/void inv_edge/,/^}/s/inv(&u, &p, w1, c);/;/	real_
ckks/kernel/fma/fold.c	/void unfold/,/^}/s/product(b - \*q,/product(*q - b,/	real_
ckks/kernel/fma/ntt_inv.c	s/odd ? n \/ 2 : t->real ? n : n \/ 4/odd ? n \/ 2 : n \/ 4/	real_
ckks/kernel/fma2/lanes.h	s/return x + where(x < all(0), p);/return x + where(x <= all(0), p);/	kernel_
ckks/kernel/fma/fma.h	s/where(x >= c.p, c.p)/where(x > c.p, c.p)/	kernel_
ckks/kernel/fma2/lanes.h	/^static ALWAYS_INLINE vec fmadd/,/^}/s/return (vec)_mm.*/return a * b + c;/	kernel_
ckks/kernel/fma2/lanes.h	/^static ALWAYS_INLINE vec fnmadd/,/^}/s/return (vec)_mm.*/return c - a * b;/	kernel_
ckks/kernel/fma2/lanes.h	s/out\[first ^ 1\]/out[first]/	kernel_dot2
ckks/kernel/fma2/lanes.h	s/    \*c = evens(high, \*d);/    *c = odds(high, *d);/	kernel_ntt
ckks/kernel/fma/layers.c	s/even = evens(a, b) - h,/even = evens(a, b),/	kernel_ntt
ckks/kernel/ifma/fold.c	/void fwd_folded/,/^}/s/fwd(p, q, w0, c);/fwd(q, p, w0, c);/	real_
ckks/kernel/ifma/fold.c	/void fwd_folded/,/^}/s/fwd(q, v, w1, c);/;/	real_
ckks/kernel/ifma/fold.c	/void fwd_real/,/^}/s/store(mid - j - 7, reversed(q))/store(mid - j - 7, q)/	real_
ckks/kernel/ifma/fold.c	s/v = _mm512_mask_mov_epi64(v, 1, u);/;/	real_
ckks/kernel/ifma/fold.c	s/times(p, plus, c)/times(p, minus, c)/	real_
ckks/kernel/ifma/fold.c	s/p = times(v, minus, c);/p = times(v, plus, c);/	real_
ckks/kernel/ifma/fold.c	/void inv_real/,/^}/s/inv(\&u, \&p, w1, f->above, c);/;/	real_
ckks/kernel/ifma/fold.c	/void unfold/,/^}/s/add(sub(a, \*v), above)/sub(a, *v)/	real_
ckks/kernel/ifma/ntt_inv.c	s/t->real ? t->log_n % 2/t->real ? 0/	real_
ckks/kernel/ifma/ntt_inv.c	s/if (f->room == ROOM)/if (f->room > 999)/	growing_ kernel_ntt
ckks/kernel/ifma/ntt_inv.c	s/(t->log_n - 7) % 3 + 1/1/	kernel_ntt
ckks/kernel/ifma/ntt_inv.c	s/scale, by, f->above, c);/scale, by, c.p2, c);/	kernel_ntt
ckks/kernel/ifma/ntt.c	s/if (e == NULL \&\& !lazy)/if (e == NULL \&\& lazy)/	kernel_ntt
ckks/kernel/ifma/convert.c	s/takes_lazy(lazy, n)/takes_lazy(true, n)/	kernel_convert
ckks/kernel/ifma/convert.h	s/if (i == len \&\& whole)/if (whole)/	kernel_convert
ckks/kernel/ifma/convert.h	s/(whole ? len : 1)/1/	kernel_convert
ckks/kernel/ifma/pointwise.c	s/1 << (m->bits - 1)/1 << (m->bits - 2)/	kernel_pointwise
ckks/base/blake2_rounds.h	s/v\[b\], v\[c\], 63/v[b], v[c], 24/	blake2
ckks/scheme/rng.c	s/s->next += (uint32_t)(groups \* CKI_EXPAND)/s->next += CKI_EXPAND/	stream
ckks/base/word.h	s/cki_below(cki_below(r, 2 \* m->p), m->p)/cki_below(r, m->p)/	exhaustive kernel_
ckks/base/word.h	s/return (p - a) \& cki_mask((0 - a) >> 63);/return p - a;/	exhaustive kernel_
ckks/base/word.h	s/return cki_below(cki_mul_shoup_lazy(y, w, s, p), p);/return cki_mul_shoup_lazy(y, w, s, p);/	exhaustive kernel_
ckks/base/word.h	s/tcmovb/tcmovbe/	exhaustive kernel_
ckks/base/word.h	s/return r + (y \& cki_mask/return r + (y \& ~cki_mask/	word_plain
ckks/base/word.h	s/return cki_sub((u ^ minus) - minus, 0, m->p);/return (u ^ minus) - minus;/	word_
ckks/base/prime.c	s/m.one = UINT64_MAX/m.one = UINT64_MAX \/ 2/	word_
ckks/base/prime.c	s/if (root < best)/if (root > best)/	exhaustive oracle
ckks/ring/galois.c	s/uint32_t e = (factor \* cki_bitrev(i, log_n) + 1) \* g/uint32_t e = factor * cki_bitrev(i, log_n) * g + 1/	exhaustive kernel_auto
ckks/ring/divide.c	s/d->c, true, r->n);/d->c, false, r->n);/	exhaustive oracle
ckks/ring/divide.c	s/^                           r->q_inv\[level\]\[i\]/                           r->p_inv[1][i]/	exhaustive oracle
ckks/ring/special.c	s/digit = { .word = { 2 }/digit = { .word = { 1 }/	special
ckks/ring/special.c	s/return a->word\[i\] >= b->word/return a->word[i] > b->word/	special
ckks/ring/special.c	s/carry = high + (x->word\[i\] < carry);/carry = high;/	special
ckks/ring/special.c	s/x->word\[x->count++\] = carry/x->word[x->count] = carry/	special
ckks/scheme/modup.c	s/!u->ctx->uncentred, n);/u->ctx->uncentred, n);/	oracle
ckks/scheme/keyswitch.c	s/: t - level + key->level;/: t;/	oracle misuse
ckks/scheme/modup.c	s/: u->scaled        ? scaled_limb/: u->ctx->uncentred ? scaled_limb/	oracle
ckks/scheme/modup.c	s/r->p_mod\[u->specials\]\[t\], m)/1, m)/	oracle
ckks/scheme/keyswitch.c	s/r->p_mod\[w->up.specials\]\[t\], sum/r->p_mod[r->num_special][t], sum/	oracle
ckks/scheme/encrypt.c	s/: ctx->num_primes + t - level - 1;/: all - count + t;/	oracle
ckks/scheme/keyswitch.c	s/p->turned = term->turned;/p->turned = false;/	oracle
ckks/scheme/keyswitch.c	s/if (gone \&\& w->rescaled)/if (!gone \&\& w->rescaled)/	oracle
ckks/scheme/keyswitch.c	s/{ g->sum\[j\]\[0\]\[k\], g->sum\[j\]/{ g->sum[0][0][k], g->sum[0]/	oracle
ckks/scheme/ciphertext.c	s/return a != NULL \&\& a->limb == out->limb;/return false;/	oracle_aliasing
ckks/scheme/ciphertext.c	s/out->limb == NULL || out->ctx != ctx || out->level != level)/out->limb == NULL || out->ctx != ctx)/	encode
ckks/scheme/keyswitch.c	s/w->rescaled ? w->ctx->rns.q_inv/w->up.digits > 99 ? w->ctx->rns.q_inv/	oracle
ckks/scheme/keyswitch.c	s/some += a\[i\].half == h;/some += a[i].half == h \&\& i == 0;/	oracle
ckks/scheme/keyswitch.c	s/w->ctx, j, 0, row)/w->ctx, w->up.digits - 1 - j, 0, row)/	oracle
ckks/scheme/keymake.c	s/prime \/ ctx->alpha == j;/prime % ctx->dnum == j;/	oracle
ckks/bytes/keys_maker.c	s/cki_making_streams(&m->key\[i\]) - 1/cki_making_streams(\&m->key[i])/	keys_maker
ckks/bytes/keys_maker.c	s/(size_t)j \* digit + first/(size_t)j * digit/	keys_maker
unet/vct_write.c	s/^        w->open = false;/        w->open = true;/	test_source_faults
unet/vct_head.c	s/if (size > r->left)/if (0)/	test_source_faults
ckks/scheme/keymake.c	s/ctx->uncentred ? g : inv/ctx->uncentred ? inv : g/	oracle exhaustive
ckks/scheme/hide.c	s/\.w = r->mod\[t\]\.p - 1,/.w = 1,/	oracle
ckks/scheme/mul.c	s/k->mul_add(z1 + t, a1 + t, b0 + t, z1 + t, some, m);/k->mul_add(z1 + t, a0 + t, b1 + t, z1 + t, some, m);/	oracle
ckks/scheme/mul.c	s/t < n; t += CKI_TILE/t < CKI_TILE \&\& t < n; t += CKI_TILE/	long_limbs
ckks/scheme/mul.c	s/check_scales(out->scale, a->scale \* a->scale/check_scales(out->scale, out->scale/	misuse_add_square
ckks/scheme/add.c	s/subtract ? m->p - 1 : 1/1/	oracle
ckks/scheme/add.c	s/^        made.seeded = 0;//	oracle_aliasing
ckks/scheme/add.c	s/if (out == a && degree == a->degree)/if (false)/	misuse_no
ckks/scheme/scalar.c	s/^    out->seeded = 0;//	oracle_aliasing
ckks/scheme/scalar.c	s/k < n; k += CKI_TILE)/k < 1; k += CKI_TILE)/	long_limbs
ckks/scheme/encode.c	s/(d >= 0.5) - (d <= -0.5)/(d >= 0.5) - (d < -0.5)/	encode
ckks/scheme/publish.c	s/const uint64_t middle = cki_pow(2, (uint64_t)w, m);/const uint64_t middle = 0;/	noise owner publish oracle
ckks/seal/seal_words.c	s/while (x\[i\] >= end)/while (0 \&\& x[i] >= end)/	seal_
ckks/seal/seal_words.c	s/cki_store64(m, s->stretch++)/cki_store64(m, 0)/	seal_
ckks/seal/seal.c	s/&& size != want)/\&\& size < want)/	seal_
ckks/seal/seal_words.c	/cki_seal_words_read/,/^}/s/mod\[t\].p/mod[0].p/	seal_
ckks/seal/seal_eval.c	s/g == 1 || \*step < 0/g == 1/	seal_
ckks/seal/seal_eval.c	s/r->left -= (size_t)v.size;//	seal_
ckks/seal/seal_keys.c	s/(size_t)key_primes(ctx) \* n; i++)/n; i++)/	seal_
ckks/ring/galois.c	s/factor = (uint32_t)(order \/ n)/factor = 2/	real_
ckks/embed/embed.c	s/? -c\[f->n - k\]/? c[f->n - k]/	decode_
ckks/scheme/scalar.c	s/h == 0 ? root : m->p - root/h == 1 ? root : m->p - root/	oracle_linear
ckks/scheme/check.c	s/if (ctx->real && im != 0)/if (ctx->real \&\& im > 0)/	misuse_real
ckks/scheme/encode.c	s/ctx->real && im\[j\] != 0/ctx->real \&\& im[j] > 0/	misuse_real encode_
ckks/scheme/evalkey.c	s/kind == CKKS_KEY_CONJ && ctx->real/kind == CKKS_KEY_CONJ \&\& ctx == NULL/	misuse_real
ckks/scheme/rotate.c	s/if (s == CKKS_OK && a->ctx->real)/if (s != CKKS_OK)/	misuse_real
ckks/bytes/keys_open.c	s/!= sum\[p->i/!= sum[0 * p->i/	keys_survive keys_held_are
ckks/bytes/keys_open.c	s/: t - key->most + key->level, words/: t, words/	keys_held_are
ckks/bytes/keys_open.c	s/(prime <= key->level ||/(prime < key->level ||/	keys_held_are
ckks/bytes/keys_open.c	s/if (p\[k\].s != CKKS_OK)/if (k < 0)/	keys_open_ keys_survive
ckks/bytes/keys_open.c	s/if (s == CKKS_OK \&\& opening)/if (s != CKKS_OK)/	keys_held_are
ckks/base/packed.h	s/(64 - 8 \* bytes)/(60 - 8 * bytes)/	kernel_words
ckks/kernel/ifma/dot.c	s/(i % 8 < bytes) << i/(i % 8 < 8) << i/	kernel_dot2
ckks/kernel/ifma/dot.c	s/i \/ 8 \* bytes + i % 8/i/	kernel_dot2
ckks/kernel/ifma/dot.c	s/i \/ bytes \* 8 + i % bytes/i/	kernel_words
ckks/kernel/avx2/lanes.h	s/i % 16 \/ 8 \* bytes/i % 16 \/ 8 * 8/	kernel_dot2
ckks/kernel/avx2/words.c	s/(out + (i + 2) \* bytes)/(out + i * bytes + 16)/	kernel_words
ckks/kernel/ifma/convert.h	s/(const uint8_t \*)v + j;/(const uint8_t *)v + j \/ 2;/	kernel_convert
ckks/scheme/evalkey.c	s/t <= level ? t : t + gone/t/	keys_held_are
ckks/bytes/serial_evalkey.c	s/ctx->real ? CKKS_KEY_ROTATE/ctx == NULL ? CKKS_KEY_ROTATE/	every_field
ckks/bytes/serial_params.c	s/word\[6\] >> 2 != 0 ? CKKS_RING_REAL/word[6] >> 3 != 0 ? CKKS_RING_REAL/	switching
ckks/scheme/primitives.c	s/galois % (ctx->real ? 4 : 2) != 1/galois % 2 != 1/	misuse_real
ckks/bytes/keys_maker.c	s/rng->counter += cki_making_streams(&m->key\[i\]) - 1;/;/	keys_maker
ckks/bytes/keys_maker.c	s/cki_checksum_update(&m->sum, out, size);/;/	keys_maker
ckks/bytes/keys_maker.c	s/(size_t)j \* digit + first/(size_t)j * digit/	keys_maker
nn/stage/compile.c	s/nni_set_gap(s, l->stride);/nni_set_gap(s, 1);/	cnn_
nn/layout/dvr.c	s/for (int y = 0; y < side; y++)/for (int y = 1; y < side; y++)/	cnn_ layout
nn/schedule/endings.c	s/w->ending\[w->ended\].last < phase/w->ending[w->ended].last <= phase/	network
nn/schedule/inputs.c	s/last_reader == m->k/last_reader >= m->k/	network
nn/layout/means.c	s/(int64_t)(y \/ l->ring_y) \* l->grid_x/(int64_t)(y \/ l->ring_y)/	cnn_
nn/schedule/arena.c	s/if (is >= size \&\& first/if (2 * is >= size \&\& first/	schedule
nn/stage/keys.c	s/first = k;/first = 0;/	keys_held_by
nn/plan/count.c	s/c->tally.rotations += sum.terms;/c->tally.rotations += parts;/	plan_counts
nn/stage/matrix.c	s/for (int c = q; c < x->cells; c \*= 2)/for (int c = 2 * q; c < x->cells; c *= 2)/	cnn_
nn/stage/matrix.c	s/(size_t)slot + turn) % l->slots/(size_t)slot) % l->slots/	cnn_
nn/stage/matrix.c	s/const int copies = x->turned ? x->rows : 1;/const int copies = 1;/	cnn_
nn/plan/bounds.c	s/rows \* (terms \* sizeof(int32_t)/rows * (sizeof(int32_t)/	weights_
nn/plan/bounds.c	s/return sum \* sizeof(float);/return sum;/	weights_
nn/stage/terms.c	s/1 + ((odd \* half/1 + (((1 - odd) * half/	cnn_
nn/stage/terms.c	s/pad = kernel == 4;/pad = 0;/	layer_kinds
nn/stage/terms.c	s/direct ? 1 : r->stage->mul/direct ? r->stage->mul[o] : r->stage->mul/	layer_kinds
nn/stage/fold.c	s/(given\[c\] ? 0 : g\[c\])/g[c]/	layer_kinds
nn/stage/stage.c	s/if (c \/ of_group != o/if (c \/ of_group > o/	layer_kinds
nn/stage/stage.c	s/high = o + count;/high = o + count - 1;/	layer_kinds
nn/stage/compile.c	s/s->middle_y = l->pad_top/s->middle_y = l->kernel_y \/ 2/	layer_kinds
nn/schedule/slab.c	s/(channel \/ each + 1) \* each/channel + each + 1/	layer_kinds
nn/format/window.c	s/y->height + y->pad_top + y->pad_bottom/y->height + 2 * y->pad_top/	layer_kinds
nn/stage/mask.c	s/% (2 \* gap) == t->place_x - 1/% (2 * gap) != t->place_x - 1/	cnn_
unet/image/idx.c	s/size - head != bytes/size - head < bytes/	idx_
unet/image/idx.c	s/\*bytes \* n > IDX_MAX_FILE/(uint32_t)(*bytes * n) > IDX_MAX_FILE/	idx_
unet/image/idx.c	s/out\[k % channels \* n + k \/ channels\]/out[k]/	idx_
unet/image/album_open.c	s/aim->first >= aim->count)/aim->first > aim->count)/	album_
unet/image/album.c	s/sum \/ down \/ across/sum \/ down/	album_
unet/image/album_names.c	s/return strcmp(/return -strcmp(/	album_
unet/image/nifti.c	s/if (at == 0)/if (false)/	nifti_
unet/image/gzip.c	s/if (full \&\& n > 0)/if (false)/	nifti_gzip
unet/image/gzip.c	s/return full ? GZIP_SURPLUS : GZIP_DAMAGED;/return GZIP_SOUND;/	nifti_gzip
unet/image/nifti.c	s/dim\[i\] = dim\[i\] == 0 ? 1 : dim\[i\];/;/	nifti_
unet/image/nifti_geometry.c	s/uni_nifti_float(in + i \* l->real, /uni_nifti_float(in + i * 4, /	nifti_
unet/image/inflate.c	s/return distance <= put ? distance : 0;/return distance;/	inflate_
unet/image/inflate_code.c	s/words == 1 \&\& c->count\[1\] == 1/words == 1/	inflate_
unet/image/inflate_frame.c	s/|| (256u \* in\[0\] + in\[1\]) % 31 != 0/|| false/	inflate_
unet/image/deflate.c	s/at + 1 - \*slot <= BACK/true/	deflate_ png_packed
unet/image/deflate.c	s/put_bits(d, 0, 7); /put_bits(d, 0, 6); /	deflate_
unet/image/checksum.c	s/ADLER_AT_ONCE = 5552/ADLER_AT_ONCE = 5553/	inflate_checksums
unet/image/checksum.c	s/v >> 24 ^ in\[3\]/v >> 24/	inflate_checksums
unet/image/png.c	s/if (k >= png->colours)/if (k > png->colours)/	image_png
unet/image/png_rows.c	s/{ 2, 0, 4, 4 }/{ 2, 0, 2, 4 }/	png_every
unet/image/png_rows.c	s/pb <= pc ? b/pb < pc ? b/	png_every
unet/image/png_parts.c	s/{ 1, 0, 3, 1, 2, 0, 4 }/{ 1, 0, 3, 1, 2, 0, 3 }/	image_png
unet/image/png_pack.c	s/above \&\& y > 0/above \&\& y > 1/	png_packed
unet/image/pixels.c	s/(p, n, i) > apart)/(p, n, i) > apart + 1)/	image_grey
unet/image/pnm.c	s/have == need + 1/have >= need + 1/	image_pnm
unet/image/kinds.c	s/{ 128, 4, "DICM" }/{ 0, 4, "DICM" }/	image_kinds
unet/scores.c	s/second \* first \/ 2/0/	classes_
unet/scores.c	s/logit\[k\] > logit\[best\]/logit[k] >= logit[best]/	classes_
unet/tiles.c	s/if (where.image != of)/if (i == 0)/	dvr_
unet/vct_head.c	s/info->kind != (int)kind/false/	vct_
unet/vct_head.c	s/if (memcmp(digest, all + size, VCT_DIGEST) != 0)/if (false)/	vct_
unet/blind/conv_reply.c	s/\*mask = cki_add(sum, minus\[l\], p);/*mask = cki_add(sum, *mask, p);/	linear_convolutions
unet/blind/conv_reply.c	s/^    blind_ring_refresh(c0, c1, 1, .*$//	linear_replies
unet/blind/conv_reply.c	s/minus\[l\] = cki_neg(\*mask, p);/minus[l] = *mask = 0;/	linear_shares
unet/blind/conv_reply.c	s/h->r->rns.mod\[l\].p, &h->s);/(uint64_t)1 << 30, \&h->s);/	vectors_of_linear
unet/blind/ring.c	s/r->seed, r->drawn++,/r->seed, r->drawn,/	vectors_of_linear
unet/blind/ring.c	/^void blind_ring_encrypt/,/^}/s/k->add(m + at, m + at, work + at, r->n, &r->rns.mod\[i\]);/;/	vectors_of_linear
unet/blind/ring.c	/^void blind_ring_refresh/,/^}/s/k->add(c1 + at, c1 + at, work + at, r->n, &r->rns.mod\[i\]);/;/	vectors_of_linear
unet/blind/square.c	s/^    blind_ring_refresh(c0, c1, .*$//	vectors_of_linear
unet/blind/square.c	s/^        slot\[i\] = cki_neg(slot\[i\], .*$/;/	linear_squares
unet/blind/square.c	s/if (k == SQUARE_WORDS - 1)$/if (k >= SQUARE_WORDS - 2)/	vectors_of_linear
unet/blind/chunk.c	s/p->tweak += c->count \* (uint64_t)(2/p->tweak += 0 * c->count * (uint64_t)(2/	tweaks_
unet/blind/chunk.c	s/p->label += c->count .*$/;/	tweaks_
unet/blind/chunk.c	s/^    blind_overflow_note(.*$//	relu_out_of_range
unet/blind/relu.c	s/^    g.tweak += c->count .*$/;/	tweaks_
unet/blind/relu.c	s/g.delta = pass->p->server ? blind/g.delta = !pass->p->server ? blind/	relu_of_all
unet/blind/overflow.c	s/p->tweak += 2 \* (BITS - 1);/;/	tweaks_
unet/blind/overflow.c	s/colour == blind_colour(c->equal)/colour != blind_colour(c->equal)/	relu_out_of_range
unet/blind/transfer.c	s/^    o->delta.w\[0\] |= 1;//	transfers_differ
unet/blind/transfer.c	s/^    e->used += blocks;//	vectors_of_transfers
unet/blind/tree.c	s/a->stream(node + 2 \* y, parent, 0, 2);/a->stream(node + 2 * y, parent, 1, 2);/	trees_
unet/blind/base.c	s/^    cki_store32(h->index, i);//	base_transfers
unet/blind/base.c	s/return blind_group_has(x, g)/return x != NULL || blind_group_has(x, g)/	base_transfers
unet/blind/session.c	s/blind_xor(block_load(mine), block_load(theirs))/block_load(p->server ? mine : theirs)/	vectors_of_sessions
unet/blind/garble.c	/^static void garble_project/,/^}/s/blind_chosen(y\[i\], v ^ 1)/blind_chosen(y[i], v)/	garble_projection
unet/blind/garble.c	/^void blind_project/,/^}/s/g->tweak += (uint64_t)lanes;/;/	tweaks_
unet/blind/mux.c	s/m0 + x\[i\] - 2 \* cx - m1/m0 + x[i] - cx - m1/	garble_mux
unet/blind/circuit.c	s/^    blind_add(range, range, sign, lanes);//	circuit_sign
unet/blind/share.c	s/server ? 0 - x\[i\] : x\[i\]/x[i]/;s/server ? 0 - (blind_share)v : (blind_share)v/(blind_share)v/	ring_truncation
unet/blind/tile.c	s/shared = after < t->before\[axis\] ? after : t->before\[axis\]/shared = after/	ring_tiles
unet/blind/tile.c	s/shared = after < t->before\[axis\] ? after : t->before\[axis\]/shared = t->before[axis]/	ring_tiles
unet/blind/labels.c	s/best\[i\] -= x\[i \* classes + k\]/best[i] -= x[i * classes]/	labels_
unet/blind/max.c	s/bits + 1, p)/bits, p)/	max_of
unet/blind/offer.c	s/ceil(c->log_sum)/c->log_sum/	offer_
unet/blind/wire.c	s/if (h->number != w->received)/if (false)/	wrong_headers
LIST

if [ -n "$1" ]; then
    grep -F -e "$1" "$work/list" >"$work/few"
    mv "$work/few" "$work/list"
fi

# The untouched copy passes, or nothing below means anything.
build()
{
    make B=build -j"$jobs" build/tests > "$work/log" 2>&1
}

if ! build; then
    tail -5 "$work/log"
    exit 1
fi
for words in $(cut -f 3 "$work/list" | tr ' ' '\n' | sort -u); do
    if ! build/tests "$words" > "$work/log" 2>&1; then
        echo "the tests fail without any fault: $words"
        tail -5 "$work/log"
        exit 1
    fi
done

passed=0
failed=0
while IFS='	' read -r file edit words; do
    cp "$file" "$work/saved"
    sed "$edit" "$work/saved" > "$file"
    caught=no
    if cmp -s "$file" "$work/saved"; then
        caught="no: the edit changes nothing"
    elif ! build; then
        caught="no: it does not compile"
    else
        for word in $words; do
            timeout 120 build/tests "$word" > "$work/log" 2>&1 && continue
            caught=yes
            break
        done
    fi
    cp "$work/saved" "$file"
    if [ "$caught" = yes ]; then
        passed=$((passed + 1))
        echo "ok   $file: $edit"
    else
        failed=$((failed + 1))
        echo "FAIL $file: $edit ($caught)"
    fi
done < "$work/list"
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
