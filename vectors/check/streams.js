// Hashes and streams for vectors.js: BLAKE2b with its parameter block, streams of BLAKE2Xb with the samplers, XXH64.
'use strict';
const le = bytes => BigInt('0x' + Buffer.from(bytes).reverse().toString('hex'));
const number = (v, bytes) => Buffer.from(BigInt(v).toString(16).padStart(2 * bytes, '0'), 'hex').reverse();

// 64 bits are two words of 32, the lower one first.
const IV = Uint32Array.from(('f3bcc908 6a09e667 84caa73b bb67ae85 fe94f82b 3c6ef372 5f1d36f1 a54ff53a ' +
  'ade682d1 510e527f 2b3e6c1f 9b05688c fb41bd6b 1f83d9ab 137e2179 5be0cd19').split(' '), x => parseInt(x, 16));
const SIGMA = ('0123456789abcdef ea489fd61c02b753 b8c052fdae367194 7931dcbe265a40f8 905724afe1bc683d 2c6a0b834d75fe19 ' +
  'c51fed4a0763928b db7ec13950f4862a 6fe9b308c2d714a5 a2847615fb9e3cd0').split(' ').map(r => [...r].map(x => 2 * parseInt(x, 16)));
function mix(v, a, b, c, d, m, x, y) {
  let s, l, h;
  s = v[a] + v[b] + m[x]; v[a + 1] += v[b + 1] + m[x + 1] + (s / 2 ** 32 | 0); v[a] = s;
  l = v[d] ^ v[a]; h = v[d + 1] ^ v[a + 1]; v[d] = h; v[d + 1] = l;
  s = v[c] + v[d]; v[c + 1] += v[d + 1] + (s / 2 ** 32 | 0); v[c] = s;
  l = v[b] ^ v[c]; h = v[b + 1] ^ v[c + 1]; v[b] = l >>> 24 | h << 8; v[b + 1] = h >>> 24 | l << 8;
  s = v[a] + v[b] + m[y]; v[a + 1] += v[b + 1] + m[y + 1] + (s / 2 ** 32 | 0); v[a] = s;
  l = v[d] ^ v[a]; h = v[d + 1] ^ v[a + 1]; v[d] = l >>> 16 | h << 16; v[d + 1] = h >>> 16 | l << 16;
  s = v[c] + v[d]; v[c + 1] += v[d + 1] + (s / 2 ** 32 | 0); v[c] = s;
  l = v[b] ^ v[c]; h = v[b + 1] ^ v[c + 1]; v[b] = h >>> 31 | l << 1; v[b + 1] = l >>> 31 | h << 1;
}
function blake2b(data, size, key = Buffer.alloc(0), fields = []) { // fields of the block: [offset, value, bytes]
  const block = Buffer.alloc(64);
  for (const [at, value, bytes] of [[0, size, 1], [1, key.length, 1], [2, 257, 2], ...fields]) block.writeUIntLE(value, at, bytes);
  const h = IV.map((w, i) => w ^ block.readUInt32LE(4 * i)), v = new Uint32Array(32), m = new Uint32Array(32);
  const length = (key.length && 128) + data.length, count = Math.max(1, Math.ceil(length / 128));
  const all = Buffer.concat(key.length ? [Buffer.concat([key], 128), data] : [data], 128 * count);
  for (let i = 0; i < count; i++) {
    for (let k = 0; k < 32; k++) m[k] = all.readUInt32LE(128 * i + 4 * k);
    v.set(h); v.set(IV, 16); v[24] ^= Math.min(length, 128 * (i + 1));
    if (i === count - 1) { v[28] = ~v[28]; v[29] = ~v[29]; }
    for (let r = 0; r < 12; r++) {
      const s = SIGMA[r % 10];
      for (let k = 0; k < 4; k++) mix(v, 2 * k, 2 * k + 8, 2 * k + 16, 2 * k + 24, m, s[2 * k], s[2 * k + 1]);
      for (let k = 0; k < 4; k++) mix(v, 2 * k, 8 + 2 * ((k + 1) % 4), 16 + 2 * ((k + 2) % 4), 24 + 2 * ((k + 3) % 4), m, s[2 * k + 8], s[2 * k + 9]);
    }
    for (let k = 0; k < 16; k++) h[k] ^= v[k] ^ v[k + 16];
  }
  return Buffer.from(h.buffer).subarray(0, size);
}
class Stream { // stream(key; a, b), read from its beginning, and the samplers
  constructor(key, a, b) {
    this.h0 = blake2b(Buffer.concat([number(a, 8), number(b, 8)]), 64, key, [[12, 2 ** 32 - 1, 4]]);
    this.node = 0; this.rest = Buffer.alloc(0);
  }
  take(n) {
    const parts = [this.rest];
    for (let have = this.rest.length; have < n; have += 64)
      parts.push(blake2b(this.h0, 64, undefined, [[2, 0, 2], [4, 64, 4], [8, this.node++, 4], [12, 2 ** 32 - 1, 4], [17, 64, 1]]));
    const all = Buffer.concat(parts);
    this.rest = all.subarray(n);
    return all.subarray(0, n);
  }
  uniform(n, p) {
    const mask = 2n ** BigInt((p - 1n).toString(2).length) - 1n, out = [];
    while (out.length < n) { const w = this.take(8).readBigUInt64LE() & mask; if (w < p) out.push(w); }
    return out;
  }
  ternary(n) { const out = []; while (out.length < n) { const b = this.take(1)[0]; if (b < 255) out.push(BigInt(b % 3 - 1)); } return out; }
  error(n) {
    const ones = x => BigInt(x.toString(2).replace(/0/g, '').length), low = 2n ** 21n - 1n;
    return Array.from({ length: n }).map(() => le(this.take(6))).map(x => ones(x & low) - ones(x >> 21n & low));
  }
}
class Generator { // its k-th stream is stream(seed; k, 0)
  constructor(seed) { this.seed = seed; this.k = 0; }
  stream() { return new Stream(this.seed, this.k++, 0); }
}
function xxh64(b) {
  const P = [0n, 11400714785074694791n, 14029467366897019727n, 1609587929392839161n, 9650029242287828579n, 2870177450012600261n];
  const m = x => BigInt.asUintN(64, x), rot = (x, r) => m(x << r) | x >> 64n - r, at = (i, n) => le(b.subarray(i, i + n));
  const step = (acc, w) => m(rot(m(acc + w * P[2]), 31n) * P[1]), v = [P[1] + P[2], P[2], 0n, -P[1]].map(m);
  let i = 0, h = P[5];
  if (b.length >= 32) {
    for (; i + 32 <= b.length; i += 32) v.forEach((x, k) => { v[k] = step(x, at(i + 8 * k, 8)); });
    h = m(rot(v[0], 1n) + rot(v[1], 7n) + rot(v[2], 12n) + rot(v[3], 18n));
    for (const x of v) h = m((h ^ step(0n, x)) * P[1] + P[4]);
  }
  h = m(h + BigInt(b.length));
  for (; i + 8 <= b.length; i += 8) h = m(rot(h ^ step(0n, at(i, 8)), 27n) * P[1] + P[4]);
  if (i + 4 <= b.length) { h = m(rot(h ^ m(at(i, 4) * P[1]), 23n) * P[2] + P[3]); i += 4; }
  for (; i < b.length; i++) h = m(rot(h ^ m(at(i, 1) * P[5]), 11n) * P[1]);
  h = m((h ^ h >> 33n) * P[2]); h = m((h ^ h >> 29n) * P[3]);
  return h ^ h >> 32n;
}
module.exports = { le, number, blake2b, xxh64, Stream, Generator };
