// seal.js -- SEAL's side of the exchange (tests/scripts/seal.sh), by node-seal 5.1.7.
//
//   node seal.js make DIR SCALE [N BITS...]  SEAL makes parameters (or takes
//                                  those of DIR/parms), keys, inputs and the
//                                  results of all operations
//   node seal.js check DIR         SEAL reads what Volley made (exchange.c
//                                  make), does the same operations with its
//                                  keys and compares every byte
//   node seal.js back DIR          SEAL decrypts what Volley encrypted with
//                                  SEAL's public key
//   node seal.js sum DIR FILE      SEAL decrypts the answer of
//                                  examples/05_sum_with_seal.c
//
// check prints a line an object: name, words, words that differ; and ends with
// "N passed, N failed".  Same names, same order as in exchange.c.
'use strict';
const fs = require('fs');
const path = require('path');

const STEPS = [1, 2, 4, 8, -3, 0];          // 0: SEAL's name for conjugation
const slot = {
    x: j => (j * 7919 % 1000) / 1000 - 0.5,
    y: j => (j * 104729 % 1000) / 500 - 1,
};

let passed = 0, failed = 0;
function judge(ok, text) {
    ok ? passed++ : failed++;
    console.log((ok ? '  ' : 'FAIL ') + text);
}

// Byte 4 of a header, outer or nested, is the minor version of the SEAL that
// wrote it: made equal where the other 15 bytes are.
const MAGIC = Buffer.from([0x5e, 0xa1, 16, 4]);
function oneVersion(got, want) {
    for (let i = 0; (i = want.indexOf(MAGIC, i)) >= 0; i++)
        if (i + 16 <= Math.min(got.length, want.length) &&
                MAGIC.equals(got.subarray(i, i + 4)) &&
                got.compare(want, i + 5, i + 16, i + 5, i + 16) === 0)
            want[i + 4] = got[i + 4];
}

// Words of 8 bytes that differ, counted from the end of the files; a
// different length counts as all.
function compare(name, got, want) {
    const words = Math.floor(want.length / 8);
    let differ = got.length === want.length ? 0 : words;
    oneVersion(got, want);
    for (let i = want.length; i > 0 && differ < words; i -= 8) {
        const k = Math.max(0, i - 8);
        differ += Buffer.compare(got.subarray(k, i), want.subarray(k, i)) !== 0;
    }
    judge(differ === 0, `${name.padEnd(24)} ${String(words).padStart(9)} ` +
        `words, ${differ} differ`);
}

function near(name, got, want, count, bound) {
    let worst = 0;
    for (let j = 0; j < count; j++)
        worst = Math.max(worst, Math.abs(got[j] - want(j)));
    judge(worst < bound, `${name.padEnd(24)} ${String(count).padStart(9)} ` +
        `slots, worst error 2^${Math.log2(worst).toFixed(1)}`);
}

// Everything of SEAL that hangs on one set of parameters.
function open(seal, dir, parms) {
    const none = seal.ComprModeType.none;
    const context = seal.Context(parms, true, seal.SecurityLevel.none);
    if (!context.parametersSet())
        throw new Error('SEAL refuses the parameters');
    const file = name => path.join(dir, name);
    return {
        seal, none, context, parms, dir,
        n: parms.polyModulusDegree,
        encoder: seal.CKKSEncoder(context),
        evaluator: seal.Evaluator(context),
        put: (name, object) =>
            fs.writeFileSync(file(name), object.saveArray(none)),
        bytes: name => fs.readFileSync(file(name)),
        get(kind, name) {
            const object = seal[kind]();
            object.loadArray(context, new Uint8Array(this.bytes(name)));
            return object;
        },
        values(f) {
            return Float64Array.from({ length: this.n / 2 }, (_, j) => f(j));
        },
    };
}

// Bounds of the error of a slot, as in exchange.c, which says why.
const fresh = (w, ct) => 4 * w.n / ct.scale;
function turned(w, ct) {
    const digits = w.parms.coeffModulus.length - 1;
    return fresh(w, ct) * (1 + 2 * Math.sqrt(w.n * digits));
}

// The list: what exchange.c calls operations().
function operations(w, k, emit) {
    const e = w.evaluator;
    const decryptor = w.seal.Decryptor(w.context, k.sk);
    const product = e.multiply(k.x, k.y);
    const relin = e.relinearize(product, k.relin);
    const low = e.rescaleToNext(relin);
    const square = e.square(low);
    const rotated = e.rotateVector(k.x, 1, k.galois);
    emit('add', e.add(k.x, k.y));
    emit('sub', e.sub(k.x, k.y));
    emit('negate', e.negate(k.x));
    emit('add_plain', e.addPlain(k.x, k.pt));
    emit('multiply_plain', e.multiplyPlain(k.x, k.pt));
    emit('multiply', product);
    emit('square', e.square(k.x));
    emit('relinearise', relin);
    emit('rescale', low);
    emit('rescale_of_three', e.rescaleToNext(product));
    emit('drop_level', e.cipherModSwitchToNext(k.x));
    emit('rotate_1', rotated);
    emit('rotate_-3', e.rotateVector(k.x, -3, k.galois));
    emit('conjugate', e.complexConjugate(k.x, k.galois));
    emit('rotate_8_low', e.rotateVector(low, 8, k.galois));
    emit('square_low', square);
    emit('relinearise_low', e.relinearize(square, k.relin));
    emit('decrypt', decryptor.decrypt(k.x));
    emit('decrypt_of_three', decryptor.decrypt(product));
    emit('decrypt_rotated', decryptor.decrypt(rotated));
    emit('decrypt_low', decryptor.decrypt(low));
}

function readParms(seal, dir) {
    const parms = seal.EncryptionParameters(seal.SchemeType.ckks);
    parms.loadArray(new Uint8Array(fs.readFileSync(path.join(dir, 'parms'))));
    return parms;
}

function newParms(seal, n, bits) {
    const parms = seal.EncryptionParameters(seal.SchemeType.ckks);
    parms.setPolyModulusDegree(n);
    parms.setCoeffModulus(seal.CoeffModulus.Create(n, Int32Array.from(bits)));
    return parms;
}

function make(seal, dir, logScale, n, bits) {
    const parms = n ? newParms(seal, n, bits) : readParms(seal, dir);
    const w = open(seal, dir, parms);
    const scale = 2 ** logScale;
    const gen = seal.KeyGenerator(w.context);
    const k = { sk: gen.secretKey(), pk: gen.createPublicKey(),
        relin: gen.createRelinKeys(),
        galois: gen.createGaloisKeys(Int32Array.from(STEPS)) };
    const encryptor = seal.Encryptor(w.context, k.pk, k.sk);
    k.pt = w.encoder.encode(w.values(slot.y), scale);
    k.x = encryptor.encrypt(w.encoder.encode(w.values(slot.x), scale));
    k.y = encryptor.encrypt(k.pt);
    w.put('parms', parms);
    for (const name of ['sk', 'pk', 'relin', 'galois', 'pt', 'x', 'y'])
        w.put(name, k[name]);
    // what SEAL writes with a seed, and as SEAL itself expands it
    const seeded = {
        pk: ['PublicKey', gen.createPublicKeySerializable()],
        relin: ['RelinKeys', gen.createRelinKeysSerializable()],
        galois: ['GaloisKeys',
            gen.createGaloisKeysSerializable(Int32Array.from(STEPS))],
        x: ['CipherText', encryptor.encryptSymmetricSerializable(
            w.encoder.encode(w.values(slot.x), scale))],
    };
    for (const [name, [kind, object]] of Object.entries(seeded)) {
        w.put(name + '_seeded', object);
        w.put(name + '_expanded', w.get(kind, name + '_seeded'));
    }
    for (const mode of ['zlib', 'zstd'])
        fs.writeFileSync(path.join(dir, 'x_' + mode),
            k.x.saveArray(seal.ComprModeType[mode]));
    operations(w, k, (name, object) => w.put('r_' + name, object));
}

function check(seal, dir) {
    const parms = readParms(seal, dir);
    const w = open(seal, dir, parms);
    const k = {};
    compare('parameters', Buffer.from(parms.saveArray(w.none)),
        w.bytes('parms'));
    for (const [name, kind] of Object.entries({ sk: 'SecretKey',
        pk: 'PublicKey', relin: 'RelinKeys', galois: 'GaloisKeys',
        pt: 'PlainText', x: 'CipherText', y: 'CipherText' })) {
        k[name] = w.get(kind, name);
        compare(name, Buffer.from(k[name].saveArray(w.none)), w.bytes(name));
    }
    const decryptor = seal.Decryptor(w.context, k.sk);
    operations(w, k, (name, object) => compare(name,
        Buffer.from(object.saveArray(w.none)), w.bytes('r_' + name)));
    const decode = ct => w.encoder.decode(decryptor.decrypt(ct));
    const n = w.n / 2;
    near('SEAL decodes x', decode(k.x), slot.x, n, fresh(w, k.x));
    near('SEAL decodes x rotated', decode(w.get('CipherText', 'r_rotate_1')),
        j => slot.x((j + 1) % n), n, turned(w, k.x));
    const low = w.get('CipherText', 'r_rescale');
    near('SEAL decodes x y', decode(low), j => slot.x(j) * slot.y(j), n,
        2 * fresh(w, k.x) + fresh(w, low));
    const encryptor = seal.Encryptor(w.context, k.pk, k.sk);
    const pt = w.encoder.encode(w.values(slot.x), k.x.scale);
    w.put('back', encryptor.encrypt(pt));
    w.put('back_seeded', encryptor.encryptSymmetricSerializable(pt));
}

function back(seal, dir) {
    const parms = readParms(seal, dir);
    const w = open(seal, dir, parms);
    const decryptor = seal.Decryptor(w.context, w.get('SecretKey', 'sk'));
    const ct = w.get('CipherText', 'back');
    near('pk of SEAL, ours, SEAL', w.encoder.decode(decryptor.decrypt(ct)),
        slot.x, w.n / 2, fresh(w, ct));
}

function sum(seal, dir, file) {
    const w = open(seal, dir, readParms(seal, dir));
    const n = w.n / 2;
    let want = 0;
    for (let j = 0; j < n; j++)
        want += slot.x(j) + slot.y(j) + 0.25 * j;
    const ct = seal.CipherText();
    ct.loadArray(w.context, new Uint8Array(fs.readFileSync(file)));
    const decryptor = seal.Decryptor(w.context, w.get('SecretKey', 'sk'));
    near('the example, every slot', w.encoder.decode(decryptor.decrypt(ct)),
        () => want, n, 2 ** -20);
}

require('node-seal')().then(seal => {
    const [what, dir, ...rest] = process.argv.slice(2);
    if (what === 'make')
        make(seal, dir, +rest[0], +rest[1], rest.slice(2).map(Number));
    else if (what === 'check')
        check(seal, dir);
    else if (what === 'back')
        back(seal, dir);
    else if (what === 'sum')
        sum(seal, dir, rest[0]);
    else
        throw new Error('make, check, back or sum');
    if (what !== 'make')
        console.log(`${passed} passed, ${failed} failed`);
    process.exit(failed === 0 ? 0 : 1);
}).catch(e => {
    console.log(`FAIL SEAL: ${e.message || e}`);
    console.log(`${passed} passed, ${failed + 1} failed`);
    process.exit(1);
});
