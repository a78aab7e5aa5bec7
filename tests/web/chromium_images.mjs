/* chromium_images.mjs -- images as the page reads them, in real Chromium:
 *
 *     node tests/web/chromium_images.mjs BUILD
 *
 * JPEG by the browser is within 1 of libjpeg (djpeg), whatever a file says of
 * colours and of turning; PNG, IDX, NIfTI and a DICOM series are the pixels
 * they were made of.
 */
import { execFileSync, spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { Browser, chromium } from "./browser.mjs";
import { check, close, equal, fails, skip, test } from "./check.mjs";
import { dicom, idx, png } from "./formats.mjs";
import { linearProfile } from "./icc.mjs";
import { volume } from "./nifti.mjs";
import { Serving } from "./serving.mjs";

const build = path.resolve(process.argv[2] ?? "build");
const root = path.resolve(path.dirname(new URL(import.meta.url).pathname),
    "../..");
const slice = path.join(root, "examples/data/9418-08-image.pgm");
const mnist = path.join(root, "unet/models/mnist.safetensors");
const gm = path.join(root, "unet/models/gm.safetensors");
let browser, page;

const at = (name) => path.join(browser.folder, name);

/* What jpeg.mjs makes of a file, or its error: run in the page. */
async function decoded(bytes, channels) {
    const text = await page.eval(`import("/jpeg.mjs").then(async (m) => {
        const bytes = Uint8Array.from(atob("${bytes.toString("base64")}"),
            (c) => c.charCodeAt(0));
        const out = await m.picture("x.jpg", bytes, ${channels});
        return btoa(Array.from(out, (b) => String.fromCharCode(b)).join(""));
    })`);

    return Buffer.from(text, "base64");
}

/* {kind, pixels} of PGM or PPM. */
function pnm(bytes) {
    const head = /^(P[56])\s+(\d+)\s+(\d+)\s+255\s/.exec(
        bytes.toString("latin1", 0, 60));

    return { kind: head[1], sides: `${head[2]}x${head[3]}`,
        pixels: bytes.subarray(head[0].length) };
}

async function compare(name, bytes, channels, least = 0) {
    fs.writeFileSync(at("x.jpg"), bytes);
    const want = pnm(execFileSync("djpeg", [
        ...channels === 1 ? ["-grayscale"] : [], "-pnm", at("x.jpg")]));
    const got = pnm(await decoded(bytes, channels));
    let most = 0;

    equal([got.kind, got.sides], [want.kind, want.sides], name);
    for (let i = 0; i < want.pixels.length; i++)
        most = Math.max(most, Math.abs(want.pixels[i] - got.pixels[i]));
    check(most <= 1 && most >= least, `${name}: at most 1 apart: ${most}`);
}

function there(command) {
    return spawnSync(command, ["-version"]).error === undefined;
}

function cjpeg(args, file) {
    return execFileSync("cjpeg", ["-quality", "92", ...args, file]);
}

/* The slice in three channels: equal, or coloured. */
function ppm(colour) {
    const { pixels } = pnm(fs.readFileSync(slice));
    const out = Buffer.alloc(3 * pixels.length);

    pixels.forEach((v, i) => {
        out.set(colour ? [v, v >> 1, 255 - v] : [v, v, v], 3 * i);
    });
    return Buffer.concat([Buffer.from("P6\n200 200\n255\n"), out]);
}

/* EXIF that says the picture lies on its side. */
function turned(bytes) {
    const tiff = Buffer.from("4d4d002a00000008" + "0001"
        + "0112000300000001" + "00060000" + "00000000", "hex");
    const body = Buffer.concat([Buffer.from("Exif\0\0", "latin1"), tiff]);
    const head = Buffer.from([0xff, 0xe1, 0, body.length + 2]);

    return Buffer.concat([bytes.subarray(0, 2), head, body,
        bytes.subarray(2)]);
}

async function jpegs() {
    fs.writeFileSync(at("grey.ppm"), ppm(false));
    fs.writeFileSync(at("colour.ppm"), ppm(true));
    fs.writeFileSync(at("linear.icc"), linearProfile());
    const icc = ["-icc", at("linear.icc")];
    const grey = cjpeg(["-grayscale"], slice);

    await compare("grey", grey, 1);
    await compare("grey, progressive", cjpeg(["-grayscale", "-progressive"],
        slice), 1);
    await compare("grey with EXIF", turned(grey), 1);
    await compare("greys as colours", cjpeg([], at("grey.ppm")), 1);
    await compare("greys as colours with a profile",
        cjpeg(icc, at("grey.ppm")), 1);
    await compare("colours", cjpeg(["-sample", "1x1"], at("colour.ppm")), 3);
    await compare("colours with a profile",
        cjpeg(["-sample", "1x1", ...icc], at("colour.ppm")), 3);
    const cut = grey.subarray(0, grey.length >> 1);
    await fails(() => decoded(cut, 1), /cut short/, "a JPEG cut short");
    await fails(() => decoded(Buffer.concat([grey, Buffer.from("more")]), 1),
        /behind the end/, "bytes behind a JPEG");
    await fails(() => decoded(Buffer.from("ffd8ffd9", "hex"), 1), /no frame/,
        "a JPEG of nothing");
}

/* A decoder that heeds profiles would be seen. */
async function profiled() {
    const bytes = cjpeg(["-icc", at("linear.icc")], at("grey.ppm"));
    const apart = await page.eval(`(async () => {
        const blob = new Blob([Uint8Array.from(atob("${
    bytes.toString("base64")}"), (c) => c.charCodeAt(0))]);
        const pixels = await Promise.all(["none", "default"].map(async (c) => {
            const b = await createImageBitmap(blob,
                { colorSpaceConversion: c });
            const x = new OffscreenCanvas(200, 200).getContext("2d");
            x.drawImage(b, 0, 0);
            return x.getImageData(0, 0, 200, 200).data;
        }));
        return pixels[0].reduce((most, v, i) =>
            Math.max(most, Math.abs(v - pixels[1][i])), 0);
    })()`);

    check(apart > 10, `the profile changes colours by ${apart}`);
}

/* The owner's side in a Worker of the page, for the network of that name. */
function owner(name) {
    return page.eval(`import("/page_link.mjs").then(async ({ Link }) => {
        globalThis.link = new Link(() => {});
        await link.call("connect", { base: location.origin,
            wasm: new URL("/volley.wasm", location.href).href });
        await link.call("choose", "${name}");
    })`);
}

/* What the network sees of files {path: bytes}: {images, warnings, greys}. */
async function seen(files) {
    const list = Object.entries(files).map(([name, bytes]) =>
        `{ path: ${JSON.stringify(name)}, bytes: Uint8Array.from(atob("${
            bytes.toString("base64")}"), (c) => c.charCodeAt(0)) }`);

    return page.eval(`(async () => {
        const said = await link.call("take", [${list}]);
        const greys = [];
        for (let i = 0; i < said.images.length; i++) {
            const { grey } = await link.call("view", i);
            greys.push(Array.from(grey).join());
        }
        return { ...said, greys };
    })()`);
}

function slices(...names) {
    return names.map((n) => pnm(fs.readFileSync(
        slice.replace("08-image", `${n}-image`))).pixels);
}

async function volumes() {
    const three = slices("07", "08", "09");
    const joined = (pixels) => Array.from(pixels).join();

    await owner("gm");
    const flat = await seen({ "a.png": png(three[0], 200, 200) });
    equal(flat.greys[0] === joined(three[0]), true, "PNG");
    const nifti = await seen({ "v.nii.gz": volume(three, 200, 200,
        [0.25, 0.25, 5]) });
    equal(nifti.images.map(({ name }) => name), ["v.nii.gz:slice=0",
        "v.nii.gz:slice=1", "v.nii.gz:slice=2"], "slices of NIfTI");
    const files = Object.fromEntries([2, 0, 1].map((k, i) =>
        [`s/IM${i}`, dicom(three[k], 200, 200, [0.25, 0.25], 5 * k, k)]));
    const series = await seen(files);
    equal(series.images.length, 3, `a series: ${series.warnings}`);
    equal(series.images[0].volume, "s", "its name is its folder's");
    equal(series.greys.map((g, i) => g === nifti.greys[i]),
        [true, true, true], "a series by its places is the volume");
    const loose = await seen(Object.fromEntries(Object.entries(files).map(
        ([name, bytes]) => [name.slice(2), bytes])));
    equal(loose.greys.length, 3, "files of DICOM alone are a series");
    await fails(() => seen({ "a.txt": Buffer.from("text") }), /a\.txt/,
        "a text is no image");
    await fails(() => seen({ "v.nii.gz": volume(three, 200, 200,
        [0.25, 0.25, 5]).subarray(0, 9000) }), /v\.nii\.gz/, "a cut volume");
}

async function digits() {
    const images = [0, 1, 2].map((k) => Buffer.from(Array.from(
        { length: 784 }, (_, i) => i * (k + 3) & 255)));

    await owner("mnist");
    const { greys } = await seen({ "d-idx3-ubyte": idx(images, 28, 28) });
    equal(greys.map((g, i) => g === Array.from(images[i]).join()),
        [true, true, true], "IDX");
}

if (chromium() === null) {
    skip("no Chromium (make deps-web)");
} else {
    const served = await Serving.start(build, [mnist, gm],
        { page: path.join(build, "web") });
    browser = await Browser.launch();
    try {
        page = await browser.open(served.url);
        if (there("cjpeg") && there("djpeg")) {
            await test("jpeg", jpegs);
            await test("profiles", profiled);
        } else {
            skip("no cjpeg (make deps-web)");
        }
        await test("volumes", volumes);
        await test("digits", digits);
    } finally {
        await browser.close();
        await served.stop();
    }
}
close();
