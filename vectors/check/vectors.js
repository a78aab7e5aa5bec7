// A checker of vectors/v1 and vectors/v2 in JavaScript (Node 18 or newer, no package), written from docs/conventions.md
// and vectors/README.md alone.  Run:  node vectors/check/vectors.js [--max LOGN] [--show K] vectors/v?/*.json
// --max leaves out larger rings (default: none), --show is the number of differences printed (10).  Exit code 0: nothing
// differs.  About 40 s for both.  What polynomials are is said in ckks.js; not run: network.json (layers and index maps).
'use strict';
const fs = require('fs'), { inverse, range, refuse, round, prime, Context } = require('./ckks.js');
const { le, number, blake2b, xxh64, Stream, Generator } = require('./streams.js');

const f64 = v => { const b = Buffer.alloc(8); b.writeDoubleLE(v); return b; };
const words = limb => Buffer.from(BigUint64Array.from(limb).buffer);
const unhex = text => Buffer.from(text, 'hex');

class Files extends Context {
  // ---- Inputs as the files have them
  poly(v, list) {
    if (!Array.isArray(v)) return this.expand(unhex(v.seed), 0, v.primes);
    return Object.fromEntries(v.map((x, i) => [list[i], [...new BigUint64Array(Uint8Array.from(unhex(x)).buffer)]]));
  }
  text(v) { return { ...v, poly: this.poly(v.poly, this.all) }; }
  ciphertext(v) { return { ...v, parts: v.parts.map(x => this.poly(x, this.all)) }; }
  ternary(v) { return v.seed ? new Generator(unhex(v.seed)).stream().ternary(this.n) : [...unhex(v.coefficients)].map(x => BigInt(x - 1)); }
  secret(v) { return this.small(this.ternary(v)); }
  public(v) { return v.b ? { a: this.expand(unhex(v.seed), 0, this.all), b: this.poly(v.b, this.all) } :
    this.publicKey(this.secret({ seed: v.secretSeed }), new Generator(unhex(v.seed))); }
  keys(v) {
    const g = v.seed && new Generator(unhex(v.seed)), s = g && this.secret({ seed: v.secretSeed });
    return v.requests ? v.requests.map(r => this.key(s, g, r)) : v.list.map(k => {
      const read = half => k[half]?.map(x => this.poly(x, this.base(k.level, this.K)));
      const a = k.b.map((_, j) => this.expand(unhex(k.seed), 1 + j, this.base(k.level, this.K)));
      if (k.a && k.a.some((x, j) => differs(a[j], { value: x }))) throw new Error('the words a of a key are not those of its seed');
      return { ...k, a, b: read('b') };
    });
  }
  slotsOf(v) {
    if (!v.slotSeed) return [v.re, v.im ?? v.re.map(() => 0)].map(a => a.map(Number));
    const w = new Stream(unhex(v.slotSeed), 0, 0).uniform(2 * v.count, 2n ** 64n).map(x => (Number(x & 2n ** 21n - 1n) - 2 ** 20) / 2 ** 20);
    return [0, 1].map(k => range(0, v.count).map(j => this.real && k ? 0 : w[2 * j + k]));
  }
  coefficientsOf(v) {
    return new Stream(unhex(v.coefficientSeed), 0, 0).uniform(this.n, 2n ** 64n).map(x => BigInt.asUintN(v.bits, x) - 2n ** BigInt(v.bits - 1));
  }
  constantOf(v, scale) { return this.small(this.constant(round(v.re * scale), round((v.im ?? 0) * scale))); }

  // ---- Bytes
  pack(x) {
    return Buffer.concat(Object.entries(x).map(([t, a]) => {
      const b = this.prime[t].toString(2).length;
      return number(BigInt('0b' + a.slice().reverse().map(w => w.toString(2).padStart(b, '0')).join('')), Math.ceil(this.n * b / 8));
    }));
  }
  fingerprint(fields) { return blake2b(fields.subarray(0, -8), 16); }
  params() {
    const flags = (this.centred ? 0 : 1) + (this.fitted ? 2 : 0) + (this.real ? 4 : 0), p = this.p;
    return [1, p.logN, this.L + 1, this.K, p.dnum, p.conventions.generator, flags, ...this.prime, 0].map(w => number(w, 8));
  }
  frame(kind, parts) {                    // checksum and "no security check" set
    const fields = Buffer.concat(parts), head = Buffer.concat([Buffer.from('VLLY'), Buffer.from([1, kind, 1, 1]),
      number(40 + fields.length, 8), Buffer.alloc(8), this.fingerprint(Buffer.concat(this.params()))]);
    number(xxh64(Buffer.concat([head, fields])), 8).copy(head, 16);
    this.load(kind, Buffer.concat([head, fields]));
    return { frame: head, fields };
  }
  load(kind, bytes) {                     // goes through an object and refuses it if anything is wrong with it
    const need = condition => condition || refuse('CKKS_EFORMAT'), zeroed = Buffer.from(bytes).fill(0, 16, 24);
    let at = 40;
    const take = n => { need(at + n <= bytes.length); at += n; return bytes.subarray(at - n, at); };
    const u = (n, low, high) => { const v = le(take(n)); need(v >= low && v <= high); return Number(v); };
    const limb = t => {
      const p = this.prime[t], b = p.toString(2).length, v = le(take(Math.ceil(this.n * b / 8)));
      need(v >> BigInt(this.n * b) === 0n && range(0, this.n).every(i => BigInt.asUintN(b, v >> BigInt(i * b)) < p));
    };
    const scale = level => { const s = take(8).readDoubleLE(); need(Number.isFinite(s) && s >= 1 && 2 * s < this.modulus(this.base(level))); };
    need(bytes.length >= 40 && bytes.toString('latin1', 0, 4) === 'VLLY' && bytes[4] === 1 && bytes[5] === kind && bytes[6] <= 1 && bytes[7] === 1);
    need(le(bytes.subarray(8, 16)) === BigInt(bytes.length) && le(bytes.subarray(16, 24)) === (bytes[6] ? xxh64(zeroed) : 0n));
    const print = this.fingerprint(kind === 1 ? bytes.subarray(40) : Buffer.concat(this.params()));
    need(print.equals(bytes.subarray(24, 40)));
    if (kind === 1) {
      const [, , primes, special] = [u(8, 1, 1), u(8, 1, 17), u(8, 1, 64), u(8, 0, 64), u(8, 1, 64), u(8, 3, 5), u(8, 0, 7)];
      range(0, primes + special).forEach(() => need(prime(le(take(8))))); u(8, 0, 256);
    } else if (kind === 2) {
      const level = u(4, 0, this.L); u(4, 0, 0); scale(level); this.base(level).forEach(limb);
    } else if (kind === 3) {
      const degree = u(4, 1, 2), level = u(4, 0, this.L); scale(level);
      const seeded = u(4, 0, 2 - degree); u(4, 0, 0); take(32 * seeded);
      range(0, degree + 1 - seeded).forEach(() => this.base(level).forEach(limb));
    } else if (kind === 4) {
      take(this.n / 4).forEach(x => [0, 2, 4, 6].forEach(k => need((x >> k & 3) < 3)));
    } else if (kind === 5) {
      take(32); this.all.forEach(limb);
    } else {
      const count = u(4, 0, 2 ** 32 - 1), levels = [], seen = []; u(4, 0, 0);
      for (let i = 0; i < count; i++) {
        const kind = u(4, 0, this.real ? 1 : 2), step = kind === 1 ? u(4, 1, this.slots - 1) : u(4, 0, 0);
        need(!seen.includes(kind + '/' + step)); seen.push(kind + '/' + step);
        levels.push(u(4, 0, this.L)); u(4, 0, 0); take(32);
      }
      for (const l of levels) this.digits(l).forEach(() => this.base(l, this.K).forEach(limb));
    }
    need(at === bytes.length);
  }
}

// ---- Operations: (input, context, keys of the group) -> {key of an expected entry: value}
const arithmetic = f => (i, c, keys) => { // f gives the parts of the result, its scale and level unless they are those of a
  const a = c.ciphertext(i.a ?? i.in[0]), trace = {}, [parts, scale = a.scale, level = a.level] = f(a, i, c, keys, trace);
  const named = Object.fromEntries(parts.map((x, k) => ['c' + k, x]));
  return { ...trace, shape: { degree: parts.length - 1, level, scale }, ...named };
};
const missing = (x, y, k, c) => x[k] ?? c.times(y[k], 0n);
const partwise = name => arithmetic((a, i, c) => {
  const b = c.ciphertext(i.b).parts, count = Math.max(a.parts.length, b.length);
  return [range(0, count).map(k => c[name](missing(a.parts, b, k, c), missing(b, a.parts, k, c)))];
});
const toFirst = f => arithmetic((a, i, c) => [[f(c, a.parts[0], i, a), ...a.parts.slice(1)]]);
const toEach = (f, scale = a => a) => arithmetic((a, i, c) => [a.parts.map(x => f(c, x, i)), scale(a.scale, i)]);
const limbs = name => (i, c) => ({ out: c[name](c.poly(i.a, c.all), c.poly(i.b, c.all)) });
const square = (c, [a, b]) => [c.mul(a, a), c.times(c.mul(a, b), 2n), c.mul(b, b)];
const rotation = kind => arithmetic((a, i, c, keys, trace) => [c.rotate(a, kind, i.step, keys, trace)]);
const relin = keys => keys.find(k => k.kind === 'relin');
const decrypt = (i, c) => c.ciphertext(i.ciphertext).parts.reduceRight((x, y) => c.add(y, c.mul(x, c.secret(i.secret))));
const source = (c, level, fused) => [...c.base(-1, c.specials(level)), ...(fused ? [level] : [])];
const downed = fused => (i, c) => c.divide(c.poly(i.x, c.base(i.level, c.specials(i.level))), source(c, i.level, fused));
const converted = special => (i, c) => {
  const from = special ? c.base(-1, c.specials(i.level)) : c.digits(i.level)[i.source];
  const to = c.base(i.level, special ? 0 : c.specials(i.level)).filter(t => !from.includes(t));
  return c.convert(c.poly(i.x, from), from, to, special || c.centred);
};
const stream = i => new Stream(unhex(i.seed), i.a, i.b);
const sampled = (name, add) => i => ({ out: Buffer.from(stream(i)[name](i.count).map(w => Number(w) + add)) });
const OPERATIONS = {
  primes: (i, c) => ({ primes: { 0: c.choose([...c.p.primeEntries, ...c.p.specialEntries]) } }),
  root: (i, c) => {
    const psi = c.prime.map(p => c.root(p));
    return { psi: { 0: psi }, sum: { 0: psi.map((x, t) => (x + inverse(x, c.prime[t])) % c.prime[t]) } };
  },
  ntt_forward: (i, c) => ({ out: c.values(c.poly(i.x, c.all)) }),
  ntt_inverse: (i, c) => ({ out: c.coefficients(c.poly(i.x, c.all)) }),
  galois_element: (i, c) => ({ g: { 0: i.steps.map(s => BigInt(c.galois('rotate', s))) } }),
  automorphism: (i, c) => ({ out: c.permuted(c.poly(i.x, c.all), i.galois) }),
  mod_add: limbs('add'), mod_sub: limbs('sub'), mod_mul: limbs('mul'),
  mod_mul_int: (i, c) => ({ out: c.times(c.poly(i.a, c.all), BigInt(i.factor)) }),
  stream: i => ({ bytes: stream(i).take(i.size) }),
  sample_uniform: (i, c) => ({ out: { 0: stream(i).uniform(c.n, c.prime[i.prime]) } }),
  sample_ternary: sampled('ternary', 1), sample_error: sampled('error', 21),
  convert_digit: converted(false), convert_special: converted(true),
  mod_up: (i, c) => {
    const coeff = c.coefficients(c.poly(i.x, c.all)), out = { coeff };
    c.raise(coeff, i.level).forEach((r, j) => { out['raised' + j] = r; out['digit' + j] = c.values(r); });
    return out;
  },
  mod_down: downed(false), mod_down_rescale: downed(true),
  embed: (i, c) => ({ coefficients: c.embed(...c.slotsOf(i), i.scale) }),
  encode: (i, c) => ({ words: c.small(c.embed(...c.slotsOf(i), i.scale).map(round), c.base(i.level)) }),
  encode_const: (i, c) => ({ words: c.pick(c.constantOf(i, i.scale), c.base(i.level)) }),
  encode_integers: (i, c) => ({ words: c.small(i.coefficients.map(BigInt), c.base(i.level)) }),
  decode: (i, c) => {
    const a = (i.coefficients ?? c.coefficientsOf(i)).map(Number), at = range(0, Math.min(c.slots, 64)).map(j => c.slot(a, i.scale, j));
    return { re: at.map(z => z[0]), im: at.map(z => z[1]) };
  },
  key_secret: (i, c) => ({ coefficients: Buffer.from(c.ternary(i).map(w => Number(w) + 1)), ntt: c.small(c.ternary(i), c.base(c.L)) }),
  key_public: (i, c) => c.publicKey(c.secret(i.secret), new Generator(unhex(i.seed))),
  key_switching: (i, c) => {
    const key = c.key(c.secret(i.secret), new Generator(unhex(i.seed)), i);
    return { seed: key.seed, ...Object.fromEntries(key.b.flatMap((b, j) => [['b' + j, b], ['a' + j, key.a[j]]])) };
  },
  encrypt_secret: (i, c) => c.encrypt(c.secret(i.secret), new Generator(unhex(i.seed)), c.text(i.plaintext)),
  encrypt_public: (i, c) => c.encryptPublic(c.public(i.public), new Generator(unhex(i.seed)), c.text(i.plaintext)),
  decrypt: (i, c) => ({ words: decrypt(i, c) }), transparent: (i, c) => ({ words: decrypt(i, c) }),
  decrypt_flooded: (i, c) => {
    const w = BigInt(Math.ceil(i.errorBits) + i.hidingBits), s = new Generator(unhex(i.seed)).stream();
    const noise = range(0, c.n).map(() => BigInt.asUintN(Number(w) + 1, le(s.take(16))) - 2n ** w);
    return { words: c.add(decrypt(i, c), c.small(noise)) };
  },
  add: partwise('add'), sub: partwise('sub'), neg: toEach((c, x) => c.times(x, -1n)),
  add_plain: toFirst((c, x, i) => c.add(x, c.text(i.m).poly)),
  sub_plain: toFirst((c, x, i) => c.sub(x, c.text(i.m).poly)),
  add_const: toFirst((c, x, i, a) => c.add(x, c.constantOf(i, a.scale))),
  mul_const: toEach((c, x, i) => c.mul(x, c.constantOf(i, i.scale)), (s, i) => s * i.scale),
  mul_plain: toEach((c, x, i) => c.mul(x, c.text(i.m).poly), (s, i) => s * i.m.scale),
  mul_int: toEach((c, x, i) => c.times(x, BigInt(i.factor))),
  mul_alternating: toEach((c, x) => c.mul(x, c.small(range(0, c.n).map(k => k === c.n / 2 ? 1n : 0n)))),
  mul: arithmetic(({ parts: [x, y], scale }, i, c) => {
    const { parts: [z, w], scale: other } = c.ciphertext(i.b);
    return [[c.mul(x, z), c.add(c.mul(x, w), c.mul(y, z)), c.mul(y, w)], scale * other];
  }),
  square: arithmetic((a, i, c) => [square(c, a.parts), a.scale * a.scale]),
  add_square: arithmetic((a, i, c) => [square(c, a.parts).map((x, k) => c.add(x, c.ciphertext(i.z).parts[k])), i.z.scale]),
  rescale: arithmetic((a, i, c) => [a.parts.map(x => c.divide(x, [a.level]).out), a.scale / Number(c.prime[a.level]), a.level - 1]),
  drop_level: arithmetic((a, i, c) => [a.parts.map(x => c.pick(x, c.base(i.level))), a.scale, i.level]),
  combine: (i, c) => {
    const a = i.in.map(v => c.ciphertext(v)), out = { shape: { degree: 1, level: a[0].level, scale: i.scale } };
    for (const b of i.blocks) b.weight.forEach((row, r) => [0, 1].forEach(h => {
      out[`out${b.first + r}c${h}`] = row.map((w, k) => c.times(a[b.index[k]].parts[h], BigInt(w))).reduce((x, y) => c.add(x, y));
    }));
    return out;
  },
  relin: arithmetic((a, i, c, keys, trace) => {
    const d = c.down(c.products(a.parts[2], a.level, relin(keys), trace), a.level, trace);
    return [d.map((x, h) => c.add(x, a.parts[h]))];
  }),
  relin_rescale: arithmetic((a, i, c, keys, trace) => {
    const sums = c.products(a.parts[2], a.level, relin(keys), trace).map((x, h) => c.add(x, c.lift(a.parts[h], a.level)));
    const parts = sums.map((x, h) => trace['fused' + h] = c.divide(x, source(c, a.level, true)).out);
    return [parts, a.scale / Number(c.prime[a.level]), a.level - 1];
  }),
  rotate: rotation('rotate'), conj: (i, c, keys) => c.real ? refuse('CKKS_EARG') : rotation('conj')(i, c, keys),
  rotate_hoisted: (i, c, keys) => {
    if (!c.centred) refuse('CKKS_EPARAM');
    const parts = i.steps.map(s => c.rotate(c.ciphertext(i.a), 'rotate', s, keys));
    return Object.fromEntries(parts.flatMap((p, r) => p.map((x, h) => [`out${r}c${h}`, x])));
  },
  rotate_sum: arithmetic((a, i, c, keys) => {
    const terms = i.steps.map((step, k) => c.term(c.ciphertext(i.in[k]), step, keys));
    return [c.down(terms.reduce((x, y) => x.map((v, h) => c.add(v, y[h]))), a.level)];
  }),
  bytes_params: (i, c) => c.frame(1, c.params()),
  bytes_plaintext: (i, c) => c.frame(2, [number(i.m.level, 4), number(0, 4), f64(i.m.scale), c.pack(c.text(i.m).poly)]),
  bytes_ciphertext: (i, c) => {
    const a = c.ciphertext(i.a), head = [number(a.parts.length - 1, 4), number(a.level, 4), f64(a.scale), number(0, 8)];
    return c.frame(3, [...head, ...a.parts.map(x => c.pack(x))]);
  },
  bytes_seeded: (i, c) => {
    const e = OPERATIONS.encrypt_secret(i, c), m = i.plaintext;
    return c.frame(3, [number(1, 4), number(m.level, 4), f64(m.scale), number(1, 4), number(0, 4), e.seed, c.pack(e.c0)]);
  },
  bytes_secret: (i, c) => {
    const s = c.ternary(i.secret).map(w => Number(w) + 1);
    return c.frame(4, [Buffer.from(range(0, c.n / 4).map(k => [0, 1, 2, 3].reduce((b, r) => b | s[4 * k + r] << 2 * r, 0)))]);
  },
  bytes_public: (i, c) => { const k = OPERATIONS.key_public(i, c); return c.frame(5, [k.seed, c.pack(k.b)]); },
  bytes_keys: (i, c) => {
    const keys = c.keys(i.keys), head = k => [KINDS.indexOf(k.kind), k.step, k.level, 0].map(w => number(w, 4));
    return c.frame(6, [number(keys.length, 4), number(0, 4), ...keys.flatMap(k => [...head(k), k.seed]), ...keys.flatMap(k => k.b.map(x => c.pack(x)))]);
  },
  refuse_load: (i, c) => c.load(1 + OBJECTS.indexOf(i.object), unhex(i.bytes)),
  refuse_encode: (i, c) => c.slotsOf(i).every((part, k) => part.every(x => Number.isFinite(x) && !(c.real && k && x))) || refuse('CKKS_EARG'),
  refuse_conj: (i, c, keys) => OPERATIONS.conj(i, c, keys),
  refuse_automorphism: (i, c) => c.permutes(i.galois) || refuse('CKKS_EARG'),
  refuse_ntt: (i, c) => Object.entries(c.poly(i.x, c.all)).every(([t, a]) => a.every(w => w < c.prime[t])) || refuse('CKKS_EARG'),
  refuse_rescale: i => i.a.level > 0 || refuse('CKKS_ELEVEL'),
  refuse_hoisted: (i, c, keys) => OPERATIONS.rotate_hoisted(i, c, keys),
  refuse_params: (i, c) => {
    const q = c.choose([...i.primeEntries, ...i.specialEntries]), size = i.primeEntries.length;
    const conventions = { ...c.p.conventions, ...i };
    new Context({ ...c.p, ...i, conventions, primes: q.slice(0, size), special: q.slice(size) }).usable() || refuse('CKKS_EPARAM');
  },
};
const KINDS = ['relin', 'rotate', 'conj'], OBJECTS = ['params', 'plaintext', 'ciphertext', 'secret', 'public', 'keys'];

// ---- Comparison
function differs(got, e, digest) {        // what differs between a value and an expected entry, or nothing
  const value = e.value, hex = x => Buffer.isBuffer(x) ? x.toString('hex') : x;
  if (got === undefined) return 'no such value';
  if (typeof value === 'string') return (digest ? hex(got).slice(0, value.length) : hex(got)) === value ? '' : `got ${hex(got)}, want ${value}`;
  if (!Array.isArray(value)) return ['degree', 'level', 'scale'].every(k => got[k] === value[k]) ? '' : `got ${JSON.stringify(got)}`;
  if (typeof value[0] === 'number') {
    const k = value.findIndex((v, j) => !(Math.abs(v - got[j]) <= (e.tolerance ?? 0)));
    return k < 0 && (digest || value.length === got.length) ? '' : `number ${k}: got ${got[k]}, want ${value[k]}`;
  }
  const limbs = Object.values(got).map(words);
  if (limbs.length !== value.length) return `got ${limbs.length} limbs, want ${value.length}`;
  for (const [t, v] of value.entries()) {
    const w = limbs[t].toString('hex');
    if (v.blake2b ? blake2b(limbs[t], 32).toString('hex') !== v.blake2b || !w.startsWith(v.first) || !w.endsWith(v.last) : w !== v) {
      const k = v.blake2b ? 0 : range(0, v.length / 16).find(j => w.slice(16 * j, 16 * j + 16) !== v.slice(16 * j, 16 * j + 16));
      return `limb ${t}, word ${k}: got ${w.slice(16 * k, 16 * k + 16)}, want ${(v.first ?? v).slice(16 * k, 16 * k + 16)} (bytes in order)`;
    }
  }
  return '';
}
function run(test, c, keys) {
  try { return OPERATIONS[test.operation](test.input, c, keys) || {}; } catch (error) { if (error.status) return { status: error.status }; throw error; }
}
function main(args) {
  const option = (name, normal) => { const k = args.indexOf(name); return k < 0 ? normal : Number(args.splice(k, 2)[1]); };
  const max = option('--max', 16), show = option('--show', 10), total = { passed: 0, failed: 0, skipped: 0, values: 0 };
  for (const file of args) {
    const count = { passed: 0, failed: 0, skipped: 0, values: 0 }, left = new Set();
    for (const group of JSON.parse(fs.readFileSync(file)).testGroups ?? []) {
      const large = group.parameters.logN > max, c = large || new Files(group.parameters), keys = !large && group.keys && c.keys(group.keys);
      for (const test of group.tests) {
        if (large || !OPERATIONS[test.operation]) { count.skipped++; left.add(large ? 'set ' + group.set : test.operation); continue; }
        const got = run(test, c, keys), wrong = test.expected.map(e => [e, differs(got[e.key], e, group.tier === 'digest')]).filter(w => w[1]);
        for (const [e, text] of wrong.slice(0, Math.max(0, show - total.failed - count.failed)))
          console.log(`${file}: case ${test.tcId}, set ${group.set}, ${test.operation}: stage "${e.stage}": ${e.key} (${e.what}): ${text}`);
        count.values += test.expected.length;
        count[wrong.length ? 'failed' : 'passed']++;
      }
    }
    const skips = count.skipped ? `, ${count.skipped} skipped (${[...left].join(', ')})` : '';
    console.log(`${file}: ${count.passed} passed, ${count.failed} failed${skips}; ${count.values} values`);
    for (const k in total) total[k] += count[k];
  }
  console.log(`${total.passed} passed, ${total.failed} failed` + (total.skipped ? `, ${total.skipped} skipped` : ''));
  return total.failed ? 1 : 0;
}
process.exitCode = main(process.argv.slice(2));
