/* images.mjs -- files of images in WebAssembly against the command's readers:
 * the same images, the same numbers, the same refusals; and masks that lie on
 * their volumes:
 *
 *     node tests/web/images.mjs BUILD
 */
import { execFileSync, spawnSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import zlib from "node:zlib";
import { check, close, equal, fails, skip, test } from "./check.mjs";

const build = path.resolve(process.argv[2] ?? "build");
const root = path.resolve(path.dirname(new URL(import.meta.url).pathname),
    "../..");
const data = process.env.VOLLEY_DATA ?? path.join(root, "../shared/data");
const folder = fs.mkdtempSync(path.join(os.tmpdir(), "images-"));
const { Volley } = await import(path.join(build, "web/volley.mjs"));
const wasm = fs.readFileSync(path.join(build, "web/volley.wasm"));
const volley = path.join(build, "volley");

const run = (program, ...args) => execFileSync(program, args,
    { cwd: folder, stdio: ["ignore", "pipe", "pipe"] });
const at = (name) => path.join(folder, name);

/* All files of a folder, in depth. */
function* walk(from) {
    for (const entry of fs.readdirSync(from, { withFileTypes: true })) {
        const name = path.join(from, entry.name);
        if (entry.isDirectory())
            yield* walk(name);
        else
            yield name;
    }
}

async function open(plan) {
    return Volley.open(wasm, { plan: fs.readFileSync(at(plan), "utf8") });
}

/* What album-dump says: {images, pixels} or {error}. */
function native(plan, names, from) {
    const out = at("pixels.f64");
    const r = spawnSync(path.join(build, "album-dump"), [at(plan), out,
        ...names], { cwd: from, encoding: "utf8" });

    if (r.status !== 0)
        return { error: r.stderr.trim() };
    const bytes = fs.readFileSync(out);
    return { pixels: new Float64Array(bytes.buffer.slice(bytes.byteOffset,
        bytes.byteOffset + bytes.length)),
    images: r.stdout.trim().split("\n").map((line) => {
        const [, height, width, name] = /^(\d+) (\d+) (.*)$/.exec(line);
        return { name, height: Number(height), width: Number(width) };
    }) };
}

function inModule(v, names) {
    try {
        return v.images(names);
    } catch (e) {
        return { error: e.message };
    }
}

/* Names of files in a folder, read by both. */
function compare(v, plan, names, from) {
    const want = native(plan, names, from), got = inModule(v, names);

    equal(got.error, want.error, `${names}: refusal`);
    if (want.error !== undefined || got.error !== undefined)
        return 0;
    equal(got.images.map(({ name, height, width }) =>
        ({ name, height, width })), want.images, `${names}: images`);
    let first = 0, bad = 0;
    for (let i = 0; i < want.images.length; i++) {
        const pixels = v.pixels(i), { grey } = v.view(i);
        for (let k = 0; k < pixels.length; k++)
            bad += pixels[k] !== want.pixels[first + k]
                || (grey.length === pixels.length && Math.abs(grey[k]
                    - pixels[k]) > 0.5);
        first += pixels.length;
    }
    check(bad === 0 && first === want.pixels.length,
        `${names}: ${bad} of ${first} numbers differ`);
    return 1;
}

function put(v, from) {
    v.clearFiles();
    for (const file of walk(from))
        v.addFile(path.relative(from, file), fs.readFileSync(file));
}

/* PNG of 16 bits, gzip of several members, IDX, PPM, lists. */
function more() {
    const plain = zlib.gunzipSync(fs.readFileSync(at("made/PSR.nii.gz")));
    const parts = [0, 1, 400, plain.length];

    fs.writeFileSync(at("made/members.nii.gz"), Buffer.concat(parts.slice(1)
        .map((end, i) => zlib.gzipSync(plain.subarray(parts[i], end)))));
    fs.writeFileSync(at("made/surplus.nii.gz"), Buffer.concat([
        zlib.gzipSync(plain), Buffer.from("surplus")]));
    fs.writeFileSync(at("made/cut.nii.gz"), zlib.gzipSync(plain)
        .subarray(0, 500));
    const idx = Buffer.alloc(16 + 2 * 20 * 30, 7);
    idx.set([0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 20, 0, 0, 0, 30]);
    fs.writeFileSync(at("made/two.idx.gz"), zlib.gzipSync(idx));
    fs.writeFileSync(at("made/list.txt"), "eight.png\n");
    fs.writeFileSync(at("made/a.ppm"), Buffer.concat([
        Buffer.from("P6 2 1 255\n"), Buffer.from([1, 1, 1, 9, 9, 9])]));
}

/* The network of tests/scripts/daily.sh, its pictures and volumes. */
fs.mkdirSync(at("made"));
execFileSync("/usr/bin/python3", ["-B", path.join(root,
    "tests/scripts/daily.py"), "make"], { cwd: at("made") });
run(volley, "plan", "made/net", "-o", "net.plan");
fs.writeFileSync(at("made/PSR.nii.gz"),
    zlib.gzipSync(fs.readFileSync(at("made/PSR.nii"))));
more();

await test("made files", async () => {
    const v = await open("net.plan");
    let read = 0, files = 0;

    put(v, at("made"));
    for (const file of walk(at("made"))) {
        read += compare(v, "net.plan", [path.relative(at("made"), file)],
            at("made"));
        files++;
    }
    check(read > 10, `${read} of ${files} files were read`);
    compare(v, "net.plan", ["PSR.nii:slice=2", "eight.png", "two.idx.gz"],
        at("made"));
    compare(v, "net.plan", ["nothing.png"], at("made"));
    await fails(() => v.view(99), /no image 99/, "an image that is not there");
    v.close();
});

await test("files of the data", async () => {
    const from = path.join(data, "images");

    if (!fs.existsSync(from))
        return skip("no data");
    const v = await open("net.plan");
    put(v, from);
    for (const name of fs.readdirSync(from))
        compare(v, "net.plan", [name], from);
    v.close();
});

/* There and back: the mask is the command's, voxel for voxel. */
await test("masks", async () => {
    const v = await open("net.plan"), keys = Buffer.alloc(v.keysBytes);

    put(v, at("made"));
    v.makeSecret();
    for (const { at: to, bytes } of v.keys())
        keys.set(bytes, to);
    fs.writeFileSync(at("eval.keys"), keys);
    const { images } = v.images(["PSR.nii"]);
    equal(images.map((i) => i.volume), Array(6).fill("PSR.nii"), "slices");
    fs.writeFileSync(at("in.vct"), Buffer.concat([...v.encrypt()]
        .map((p) => p.bytes)));
    run(volley, "evaluate", "made/net", "--keys", "eval.keys", "in.vct", "-o",
        "out.vct");
    v.decrypt(fs.readFileSync(at("out.vct")));
    run(volley, "clear", "made/net", "made/PSR.nii", "-o", "mask.nii");
    run(volley, "clear", "made/net", "made/PSR.nii:slice=3", "-o", "mask.pgm");
    const want = fs.readFileSync(at("mask.nii"));
    check(want.equals(v.saveMask("m.nii")), "the mask volume's bytes");
    check(want.equals(zlib.gunzipSync(v.saveMask("m.nii.gz"))), "gzipped");
    check(fs.readFileSync(at("mask.pgm")).equals(v.saveMask("m.pgm", 3)),
        "a slice's mask");
    const { label } = v.mask(3);
    fs.writeFileSync(at("made/m.png"), v.saveMask("m.png", 3));
    await fails(() => v.saveMask("m.jpg"), /\.pgm or \.png/, "no such file");
    await fails(() => v.saveMask("m.png", 6), /no mask 6/, "no such mask");
    v.addFile("m.png", fs.readFileSync(at("made/m.png")));
    compare(v, "net.plan", ["m.png"], at("made"));
    v.close();
    const plain = await open("net.plan");
    plain.addFile("m.png", fs.readFileSync(at("made/m.png")));
    plain.images(["m.png"], { values: "full" });
    check(plain.pixels(0).every((p, i) => p === 255 * label[i]),
        "the PNG holds the mask");
    plain.close();
});

fs.rmSync(folder, { recursive: true });
close();
