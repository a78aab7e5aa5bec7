// CKKS in full RNS over both rings, as docs/conventions.md has it: for vectors.js.  A polynomial is an object
// {number of its prime: limb}, a limb an array of N BigInt; all are values (NTT form) unless a name says coefficients.
'use strict';
const { Stream } = require('./streams.js');
const sum = a => a.reduce((x, y) => x + y, 0n), product = a => a.reduce((x, y) => x * y, 1n);
const mod = (a, p) => { const r = a % p; return r < 0n ? r + p : r; };
const range = (a, b) => Array.from({ length: Math.max(0, b - a) }, (_, i) => a + i);
function pow(b, e, p) { let r = 1n; for (b = mod(b, p); e > 0n; e >>= 1n, b = b * b % p) if (e & 1n) r = r * b % p; return r; }
function inverse(a, p) { let [r, s, x, y] = [p, mod(a, p), 0n, 1n]; while (s) [r, s, x, y] = [s, r % s, y, x - r / s * y]; return mod(x, p); }
const refuse = status => { throw Object.assign(new Error(status), { status }); };
const round = x => BigInt(Math.trunc(x) + (Math.abs(x - Math.trunc(x)) >= 0.5 ? Math.sign(x) : 0)); // halves away from zero

// ---- The ring: all that differs between the complex and the real one.  The real one is the first half of the complex
// transform of 2N points: its elements are symmetric, and the other half has the same words backwards.
class Ring {
  constructor(logN, real, generator) {
    Object.assign(this, { n: 2 ** logN, real, slots: 2 ** logN / (real ? 1 : 2), order: 2 ** logN * (real ? 4 : 2), tables: {} });
    const bits = logN + (real ? 1 : 0);
    this.reversed = range(0, 2 ** bits).map(i => range(0, bits).reduce((r, k) => r | (i >> k & 1) << bits - 1 - k, 0));
    this.cos = range(0, this.order).map(r => Math.cos(2 * Math.PI * r / this.order));
    this.powers = [1];                    // slot j is the value at zeta^(generator^j)
    while (this.powers.length < this.slots) this.powers.push(this.powers.at(-1) * generator % this.order);
  }
  galois(kind, step) { return kind === 'conj' ? this.order - 1 : this.powers[(step % this.slots + this.slots) % this.slots]; }
  permutes(g) { return g > 0 && g < this.order && g % (this.real ? 4 : 2) === 1; }
  permute(limb, g) { return limb.map((_, i) => limb[this.reversed[((2 * this.reversed[i] + 1) * g % this.order - 1) / 2]]); }
  root(p) {                               // the smallest primitive one: odd powers of any
    const m = BigInt(this.order);
    let g = 2n, h;
    do h = pow(g++, (p - 1n) / m, p); while (pow(h, m / 2n, p) !== p - 1n);
    let least = h;
    for (let x = h, k = 1n; k < m / 2n; k++) { x = x * h % p * h % p; if (x < least) least = x; }
    return least;
  }
  table(p) {
    return this.tables[p] ??= [this.root(p), inverse(this.root(p), p)].map(r => {
      const powers = [1n], out = [];
      while (powers.length < this.order / 2) powers.push(powers.at(-1) * r % p);
      return this.reversed.map(k => powers[k]);
    });
  }
  ntt(limb, p) {
    const a = this.real ? [...limb, 0n, ...limb.slice(1).reverse().map(w => w && p - w)] : limb.slice(), [root] = this.table(p);
    for (let m = 1, t = a.length / 2; t >= 1; m *= 2, t /= 2)
      for (let i = 0; i < m; i++)
        for (let j = 2 * i * t; j < (2 * i + 1) * t; j++) {
          const v = a[j + t] * root[m + i] % p, s = a[j] + v, d = a[j] - v;
          a[j] = s < p ? s : s - p; a[j + t] = d < 0n ? d + p : d;
        }
    return a.slice(0, this.n);
  }
  intt(limb, p) {
    const a = this.real ? [...limb, ...limb.slice().reverse()] : limb.slice(), [, root] = this.table(p), one = inverse(BigInt(a.length), p);
    for (let t = 1, m = a.length / 2; m >= 1; t *= 2, m /= 2)
      for (let i = 0; i < m; i++)
        for (let j = 2 * i * t; j < (2 * i + 1) * t; j++) {
          const s = a[j] + a[j + t];
          a[j + t] = (a[j] - a[j + t] + p) * root[m + i] % p; a[j] = s < p ? s : s - p;
        }
    return a.slice(0, this.n).map(w => w * one % p);
  }
  embed(re, im, scale) {                  // coefficients, by the definition; angles count in 1/order of a turn
    return range(0, this.n).map(k => re.reduce((s, x, j) => {
      const angle = k * this.powers[j] % this.order;
      return s + x * this.cos[angle] + im[j] * this.cos[(angle + 3 * this.order / 4) % this.order];
    }, 0) * scale / this.slots);
  }
  slot(coefficients, scale, j) {
    const at = (k, turn) => this.cos[(k * this.powers[j] + turn) % this.order];
    const value = turn => coefficients.reduce((s, c, k) => s + c * at(k, turn) * (this.real && k ? 2 : 1), 0) / scale;
    return [value(0), this.real ? 0 : value(3 * this.order / 4)];
  }
  constant(re, im) { const a = Array(this.n).fill(0n); a[0] = re; if (!this.real) a[this.n / 2] = im; return a; }
}
const prime = p => [2n, 3n, 5n, 7n, 11n, 13n, 17n, 19n, 23n].every(b => b % p === 0n || pow(b, p - 1n, p) === 1n); // Fermat: enough here

// ---- Polynomials, keys, switching
class Context extends Ring {
  constructor(p) {
    super(p.logN, p.ring === 'real', p.conventions.generator);
    Object.assign(this, { p, prime: [...p.primes, ...p.special].map(BigInt), L: p.primes.length - 1, K: p.special.length });
    Object.assign(this, { alpha: Math.ceil(p.primes.length / (this.K ? p.dnum : 1)), centred: p.conventions.digits === 'centred' });
    Object.assign(this, { all: this.base(this.L, this.K), fitted: p.fittedSpecial ?? 'specialPrimes' in p.conventions });
  }
  base(level, k = 0) { return [...range(0, level + 1), ...range(this.L + 1, this.L + 1 + k)]; }
  modulus(list) { return product(list.map(t => this.prime[t])); }
  digits(level, a = this.alpha) { return range(0, Math.floor(level / a) + 1).map(j => range(j * a, Math.min((j + 1) * a, level + 1))); }
  specials(level) {                       // how many of them a level uses
    const enough = k => this.digits(level).every(d => this.modulus(this.base(-1, k)) >= 2n * this.modulus(d));
    return this.fitted ? range(1, this.K).find(enough) ?? this.K : this.K;
  }
  choose(entries) {
    const [m, big, taken] = [BigInt(this.order), entries.map(BigInt), []];
    for (const b of big) {
      let p = b > 61n ? b : (2n ** b - 1n) / m * m + 1n;
      while (b <= 61n && (!prime(p) || taken.includes(p) || big.includes(p))) p -= m;
      taken.push(b > 61n || p > 2n ** (b - 1n) ? p : refuse('CKKS_EPARAM'));
    }
    return taken;
  }
  usable() {                              // digits at most twice P; the real ring has one generator and centred digits
    const small = this.K === 0 || this.digits(this.L).every(d => this.modulus(d) <= 2n * this.modulus(this.base(-1, this.K)));
    return small && !(this.real && (!this.centred || this.p.conventions.generator !== 5 || this.p.logN > 16));
  }
  map(x, f) { return Object.fromEntries(Object.entries(x).map(([t, a]) => [t, f(a, this.prime[t], t)])); }
  pick(x, list) { return Object.fromEntries(list.map(t => [t, x[t]])); }
  pointwise(x, y, f) { return this.map(x, (a, p, t) => y[t] ? a.map((w, i) => mod(f(w, y[t][i]), p)) : a); }
  add(x, y) { return this.pointwise(x, y, (a, b) => a + b); }
  sub(x, y) { return this.pointwise(x, y, (a, b) => a - b); }
  mul(x, y) { return this.pointwise(x, y, (a, b) => a * b); }
  times(x, w) { return this.map(x, (a, p) => a.map(v => mod(v * w, p))); }
  values(x) { return this.map(x, (a, p) => this.ntt(a, p)); }
  coefficients(x) { return this.map(x, (a, p) => this.intt(a, p)); }
  permuted(x, g) { return this.map(x, a => this.permute(a, g)); }
  small(a, list = this.all) { return Object.fromEntries(list.map(t => [t, this.ntt(a.map(w => mod(w, this.prime[t])), this.prime[t])])); }
  expand(seed, a, list) { return Object.fromEntries(list.map(t => [t, new Stream(seed, a, t).uniform(this.n, this.prime[t])])); }
  convert(x, source, targets, centred) {  // x: coefficients modulo the source primes, which are summed in this order
    const q = source.map(t => this.prime[t]), D = product(q), rest = q.map(p => D / p), inv = q.map((p, j) => inverse(rest[j], p));
    const reciprocal = q.map(p => 1 / Number(p)), sums = [], multiple = [];
    for (let i = 0; i < this.n; i++) {
      const y = source.map((t, j) => x[t][i] * inv[j] % q[j]), f = y.reduce((s, w, j) => s + Number(w) * reciprocal[j], 0);
      multiple.push(q.length > 1 ? BigInt(Math.floor(f + (centred ? 0.5 : 0))) : centred && 2n * y[0] > D ? 1n : 0n);
      sums.push(sum(y.map((w, j) => w * rest[j])));
    }
    const residues = f => Object.fromEntries(targets.map(t => [t, sums.map((s, i) => mod(f(s, i), this.prime[t]))]));
    return { multiple, approximate: residues(s => s), out: residues((s, i) => s - multiple[i] * D) };
  }
  divide(x, source) {                     // mod-down and rescaling: (x - z) / product of the source primes
    const rest = Object.keys(x).filter(t => !source.includes(+t)), D = this.modulus(source);
    const z = this.convert(this.coefficients(this.pick(x, source)), source, rest, true).out;
    return { z, out: this.map(this.sub(this.pick(x, rest), this.values(z)), (a, p) => { const r = inverse(D, p); return a.map(w => w * r % p); }) };
  }
  raise(x, level) {                       // x: coefficients; its digits over Q_l P_k
    const base = this.base(level, this.specials(level));
    return this.digits(level).map(d => ({ ...this.convert(x, d, base.filter(t => !d.includes(t)), this.centred).out, ...this.pick(x, d) }));
  }
  products(x, level, key, trace = {}) {   // digits of x times both halves of a key
    const R = this.modulus(this.all.slice(this.L + 1 + this.specials(level)));
    if (R > 1n) trace.over = x = this.map(x, (a, p) => a.map(w => w * inverse(R, p) % p));
    const raised = this.raise(trace.coeff = this.coefficients(x), level), v = raised.map(r => this.values(r));
    raised.forEach((r, j) => { trace['raised' + j] = r; trace['digit' + j] = v[j]; });
    return [key.b, key.a].map((half, i) => trace['sum' + i] = v.map((r, j) => this.mul(r, half[j])).reduce((x, y) => this.add(x, y)));
  }
  down(sums, level, trace = {}) {
    const d = sums.map(s => this.divide(s, this.base(-1, this.specials(level))));
    d.forEach((r, i) => { trace['z' + i] = r.z; trace['down' + i] = r.out; });
    return d.map(r => r.out);
  }
  lift(x, level) { return this.times(x, this.modulus(this.base(-1, this.specials(level)))); } // P_k x; 0 modulo the special primes
  rotate(a, kind, step, keys, trace) {
    const g = this.galois(kind, step), key = keys.find(k => k.kind === kind && (kind === 'conj' || this.galois(kind, k.step) === g));
    if (g === 1) return a.parts;
    const [c0, c1] = this.centred ? a.parts : a.parts.map(x => this.permuted(x, g));
    if (!this.centred && trace) trace.switched = c1;
    const [d0, d1] = this.down(this.products(c1, a.level, key, trace), a.level, trace), out = [this.add(d0, c0), d1];
    return this.centred ? out.map(x => this.permuted(x, g)) : out;
  }
  term(a, step, keys) {                   // one of a sum of rotations: modulo Q_l P_k, before the mod-down
    const g = this.galois('rotate', step), lifted = a.parts.map(x => ({ ...this.lift(x, a.level), ...this.zeros(a.level) }));
    if (g === 1) return lifted;
    const key = keys.find(k => k.kind === 'rotate' && this.galois('rotate', k.step) === g);
    const [d0, d1] = this.products(a.parts[1], a.level, key);
    return [this.add(d0, lifted[0]), d1].map(x => this.permuted(x, g));
  }
  zeros(level) { return Object.fromEntries(this.base(-1, this.specials(level)).map(t => [t, Array(this.n).fill(0n)])); }
  publicKey(s, generator) {
    const seed = generator.stream().take(32), a = this.expand(seed, 0, this.all);
    return { seed, a, b: this.sub(this.small(generator.stream().error(this.n)), this.mul(a, s)) };
  }
  key(s, generator, { kind, step, level }) {
    const g = kind === 'relin' ? 1 : this.galois(kind, step), base = this.base(level, this.K), P = this.modulus(this.base(-1, this.K));
    const own = this.centred ? this.permuted(s, Number(inverse(BigInt(g), BigInt(this.order)))) : s;
    const target = this.times(kind === 'relin' ? this.mul(s, s) : this.centred ? s : this.permuted(s, g), P);
    const seed = generator.stream().take(32), a = this.digits(level).map((_, j) => this.expand(seed, 1 + j, base));
    const e = a.map(() => this.small(generator.stream().error(this.n)));
    const b = this.digits(level).map((d, j) => this.add(this.sub(this.pick(e[j], base), this.mul(a[j], own)), this.pick(target, d)));
    return { kind, step, level, seed, a, b };
  }
  encrypt(s, generator, m) {
    const seed = generator.stream().take(32), e = generator.stream().error(this.n), c1 = this.expand(seed, 0, this.base(m.level));
    return { seed, c1, c0: this.sub(this.add(m.poly, this.small(e)), this.mul(c1, s)), e: Buffer.from(e.map(w => Number(w) + 21)) };
  }
  encryptPublic(pk, generator, m) {
    const u = this.small(generator.stream().ternary(this.n)), base = this.base(m.level, this.specials(m.level));
    const sums = [pk.b, pk.a].map(x => this.add(this.mul(this.pick(u, base), x), this.small(generator.stream().error(this.n))));
    const [c0, c1] = this.down(sums, m.level);
    return { c1, c0: this.add(c0, m.poly) };
  }
}
module.exports = { inverse, range, refuse, round, prime, Context };
