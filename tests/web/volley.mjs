/* volley.mjs BUILD [short] -- the owner's side in WebAssembly beside the
 * command: keys made by the one are taken by the other, results are equal to
 * the number, and what lies, fails or is damaged is refused.  short: without
 * the slice, which takes the server half a minute.
 */
import fs from "node:fs";
import path from "node:path";
import { Volley } from "../../unet/web/volley.mjs";
import { check, close, equal, fails, test } from "./check.mjs";
import { Native, pgm } from "./native.mjs";

const build = process.argv[2] ?? "build";
const native = new Native(build);
const module = new WebAssembly.Module(
    fs.readFileSync(path.join(build, "web", "volley.wasm")));
const MOST = 150 << 20;                 /* bytes of memory, for gm           */

function same(a, b) {
    return Buffer.compare(Buffer.from(a), Buffer.from(b)) === 0;
}

/* Runs act; its CPU seconds are said. */
function timed(what, act) {
    const t = process.cpuUsage();
    const value = act();
    const { user, system } = process.cpuUsage(t);

    console.log(`${what}: ${((user + system) / 1e6).toFixed(3)} s CPU`);
    return value;
}

/* The file of evaluation keys from its pieces, which must tile it. */
function keysOf(v) {
    const { keysBytes } = v.info();
    const file = Buffer.alloc(keysBytes), seen = new Set();
    let sum = 0, last;

    for (const piece of v.keys()) {
        check(!seen.has(piece.at), `one piece at ${piece.at}`);
        seen.add(piece.at);
        sum += piece.bytes.length;
        file.set(piece.bytes, piece.at);
        last = piece;
    }
    equal(sum, keysBytes, "the pieces are the file");
    equal([last.at, last.done, last.total], [0, sum, sum], "the head is last");
    return file;
}

function encryptAll(v) {
    const want = v.encryptBytes(), parts = [];

    for (const { bytes, total } of v.encrypt()) {
        equal(total, want, "total of a piece");
        parts.push(bytes);
    }
    equal(Buffer.concat(parts).length, want, "bytes of the upload");
    return Buffer.concat(parts);
}

/* A folder of keys for the command, with the request it is to answer. */
function keyFolder(v, name, from) {
    const request = v.request();
    const id = Buffer.from(request.subarray(8, 24)).toString("hex");

    native.write(`${name}/owner.json`, native.read(from, "owner.json"));
    native.write(`${name}/secret.key`, v.secret());
    native.write(`${name}/requests/${id}.req`, request);
}

function pictures(v, ...list) {
    for (const { height, width, data } of list)
        v.addPixels({ height, width, data });
}

const digits = [3, 7].map((k) => ({ height: 28, width: 28,
    data: Uint8Array.from({ length: 784 }, (_, i) => i * k % 256) }));

/* ---- digits: there and back ------------------------------------------------ */

const text = native.plan("mnist");
let mnist, result;

await test("a plan", async () => {
    const doc = JSON.parse(text);
    mnist = await Volley.open(module, { plan: text });
    const info = mnist.info();

    equal([info.name, info.security, info.logN, info.height, info.width,
        info.channels, info.imagesASet, info.classes, info.labels],
    ["mnist", 128, doc.parameters.log_n, 28, 28, 1, doc.layout.batch,
        ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"], []], "info");
    await fails(() => mnist.secret(), /no secret key/, "no key yet");
    await fails(() => [...mnist.keys()], /no secret key/, "no key yet");
    await fails(() => [...mnist.encrypt()], /no secret key/, "no key yet");
    await fails(() => mnist.request(), /nothing was encrypted/, "no request");
});

await test("keys of WebAssembly", () => {
    native.run("volley", "keygen", "mnist.plan", "--out", "own");
    mnist.makeSecret();
    native.write("wasm/eval.keys", timed("mnist, keys", () => keysOf(mnist)));
    equal(native.read("wasm", "eval.keys").length,
        native.read("own", "eval.keys").length, "bytes of both key files");
});

await test("digits", async () => {
    await fails(() => [...mnist.encrypt()], /no image/, "no image");
    pictures(mnist, ...digits);
    native.write("in.vct", timed("mnist, encrypt", () => encryptAll(mnist)));
    check(mnist.encryptBytes() <= mnist.info().uploadBytes, "upload, at most");
    result = native.evaluate("mnist", "wasm");
    timed("mnist, decrypt", () => mnist.decrypt(result));
    keyFolder(mnist, "wasm", "own");
    const { results } = JSON.parse(native.run("volley", "decrypt",
        "mnist.plan", "--key", "wasm", "out.vct", "--json"));
    equal(results.length, 2, "two results");
    results.forEach((r, i) => {
        const got = mnist.scores(i);
        equal([...got.logits], r.logits, `logits of digit ${i}`);
        equal([got.name, got.score], [r.class, r.score], `class ${i}`);
    });
    await fails(() => mnist.mask(0), /classes, no mask/, "a mask of classes");
    await fails(() => mnist.scores(2), /no result 2/, "one too many");
});

/* ---- what is refused -------------------------------------------------------- */

await test("damaged results", async () => {
    const before = mnist.scores(0);
    for (let i = 0; i < 12; i++) {
        const bytes = Buffer.from(result);
        const at = i < 4 ? 3 + 9 * i : 200 + i * 7919;
        bytes[at % bytes.length] ^= 1 << i % 8;
        const e = await fails(() => mnist.decrypt(bytes), /result/,
            `byte ${at} flipped`);
        check(["CKKS_EFORMAT", "CKKS_EPARAM"].includes(e.status),
            `byte ${at}: ${e.status}`);
    }
    for (const size of [0, 40, 64, 1000, result.length - 1])
        await fails(() => mnist.decrypt(result.subarray(0, size)), /result/,
            `${size} bytes`);
    await fails(() => mnist.decrypt(Buffer.concat([result, Buffer.of(0)])),
        /result/, "a byte too many");
    equal(mnist.scores(0), before, "the result before is still there");
});

await test("forged and foreign results", async () => {
    for (const kind of ["zero", "constant", "small", "upload"]) {
        native.run("forge", kind, "mnist.plan", "in.vct", "forged.vct");
        const e = await fails(() => mnist.decrypt(native.read("forged.vct")),
            /forged/, kind);
        equal(e.status, "CKKS_EPARAM", kind);
    }
    native.run("forge", "plus", "mnist.plan", "in.vct", "plus.vct", "out.vct");
    await fails(() => mnist.decrypt(native.read("plus.vct")),
        /second result/, "another answer");
    mnist.decrypt(result);
    const request = mnist.request();
    native.write("in.vct", encryptAll(mnist));
    await fails(() => mnist.decrypt(result), /answers request/,
        "of another request");
    mnist.loadRequest(request);
    mnist.decrypt(result);
    request[request.length - 20] ^= 1;
    await fails(() => mnist.loadRequest(request), /digest/, "damaged request");
});

await test("keys of the command", async () => {
    const secret = native.read("own", "secret.key");
    const mine = mnist.secret();

    mnist.loadSecret(Uint8Array.from(secret));
    check(same(mnist.secret(), secret), "the command's key, bytes");
    await fails(() => mnist.decrypt(result), /range|second result/,
        "by another key");
    const wrong = Uint8Array.from(secret);
    wrong[100] ^= 4;
    await fails(() => mnist.loadSecret(wrong), /secret key/, "damaged");
    check(same(mnist.secret(), secret), "the key before is still there");
    const keys = mnist.keys();
    keys.next();
    const upload = mnist.encrypt();
    upload.next();
    mnist.loadSecret(mine);
    await fails(() => [...keys], /null|key/, "keys of the one before");
    await fails(() => [...upload], /have changed/, "and its encryption");
    check(same(mnist.secret(), mine), "the first key again");
});

await test("plans that lie", async () => {
    const lies = [["{", /plan|JSON/], ["[]", /plan/], ["", /plan|JSON/],
        [text.replace('"batch": 20', '"batch": 2000'), /plan/],
        [text.replace('"height": 28', '"height": 65537'), /plan/],
        [text.replace('"height": 28', '"height": 27'), /plan/],
        [text.replace(/"log_n": 13/, '"log_n": 12'), /plan|security/],
        [text.replace(/"log_n": 13/, '"log_n": 40'), /plan/],
        [text.replace(/"dnum": \d+/, '"dnum": 0'), /plan/],
        [text.replace(/"name": "mnist"/, '"name": "m\\u001b[2J"'), /plan/],
        [text.slice(0, -20), /plan|JSON/]];

    for (const [plan, words] of lies) {
        check(plan !== text, "it differs");
        const e = await fails(() => Volley.open(module, { plan }), words,
            plan.slice(0, 20));
        check(/^CKKS_E(FORMAT|PARAM)$/.test(e.status), `${e.status}`);
    }
});

/* 64 bits: the table gives N = 2^13 218 bits of QP for 128. */
await test("a plan of little security", async () => {
    const doc = JSON.parse(text);
    doc.parameters.special.push(1125899906826241);
    doc.parameters.security = -1;
    const e = await fails(() => Volley.open(module,
        { plan: JSON.stringify(doc) }), /bits of security need/, "64 bits");
    equal(e.status, "CKKS_EPARAM", "status");
});

await test("no randomness", async () => {
    let left = 0;
    const random = (out) => {
        if (left-- <= 0)
            throw new Error("none");
        crypto.getRandomValues(out);
    };
    const v = await Volley.open(module, { plan: text, random });
    const none = async (act, what) => {
        const e = await fails(act, /entropy/, what);
        equal(e.status, "CKKS_ERNG", what);
    };

    for (left = 0; left < 2; left++) {
        const n = left;
        await none(() => v.makeSecret(), `a key with ${n} draws`);
        left = n;
    }
    await fails(() => v.secret(), /no secret key/, "none was made");
    left = 2;
    v.makeSecret();
    left = 0;
    await none(() => [...v.keys()], "evaluation keys");
    pictures(v, digits[0]);
    for (const n of [0, 1, 3, 5]) {
        left = n;
        await none(() => [...v.encrypt()], `an image with ${n} draws`);
    }
    await fails(() => v.request(), /nothing was encrypted/, "no request");
    left = Infinity;
    check(encryptAll(v).length > 0, "with randomness it goes on");
    v.close();
});

await test("memory that ends", async () => {
    const v = await Volley.open(module, { plan: text });
    const big = { height: 4096, width: 4096, data: new Uint8Array(1 << 24) };
    const e = await fails(() => {
        for (let i = 0; i < 20; i++)
            v.addPixels(big);
    }, /no memory/, "twenty large images");

    equal(e.status, "CKKS_EMEM", "a status");
    v.clearPixels();
    v.makeSecret();
    pictures(v, digits[0]);
    check(encryptAll(v).length > 0, "it goes on with what fits");
    v.close();
});

await test("closed", async () => {
    const keys = mnist.keys();
    keys.next();
    mnist.close();
    await fails(() => keys.next(), /begun|closed/, "keys of what is closed");
    mnist.close();
});

/* ---- a slice ---------------------------------------------------------------- */

if (process.argv[3] !== "short")
    await test("grey matter", async () => {
    const plan = native.plan("gm");
    const v = await Volley.open(module, { plan });
    const slices = ["08", "09"].map((n) => pgm(fs.readFileSync(
        `examples/data/9418-${n}-image.pgm`)));

    v.makeSecret();
    native.write("gm/eval.keys", timed("gm, keys", () => keysOf(v)));
    pictures(v, ...slices);
    native.write("in.vct", timed("gm, encrypt", () => encryptAll(v)));
    timed("gm, encrypt again", () => { for (const p of v.encrypt()) p; });
    native.write("in.vct", encryptAll(v));
    const out = native.evaluate("gm", "gm");
    timed("gm, decrypt", () => v.decrypt(out));
    timed("gm, decrypt again", () => v.decrypt(out));
    native.run("volley", "keygen", "gm.plan", "--out", "gm-own");
    keyFolder(v, "gm", "gm-own");
    native.run("volley", "decrypt", "gm.plan", "--key", "gm", "out.vct",
        "-o", "mask.pgm");
    slices.forEach(({ height, width }, i) => {
        const want = pgm(native.read(`mask-${i}.pgm`));
        const { label, ...size } = v.mask(i);
        const inside = label.reduce((n, x) => n + x, 0);

        equal(size, { width, height }, `size of mask ${i}`);
        check(inside > 100 && inside < 400, `mask ${i}: ${inside} pixels`);
        check(same(label.map((x) => 255 * x), want.data),
            `mask ${i} is the command's`);
    });
    console.log(`gm, memory: ${(v.memory() / (1 << 20)).toFixed(0)} MiB`);
    check(v.memory() <= MOST, `memory: ${v.memory()} bytes`);
    v.close();
});

native.clear();
close();
