/* chromium_images.mjs -- images as the page reads them, in real Chromium:
 *
 *     node tests/web/chromium_images.mjs BUILD
 *
 * JPEG by the browser is within 1 of libjpeg (djpeg), whatever a file says of
 * colours and of turning.
 */
import { execFileSync, spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { Browser, chromium } from "./browser.mjs";
import { check, close, equal, fails, skip, test } from "./check.mjs";
import { linearProfile } from "./icc.mjs";
import { Serving } from "./serving.mjs";

const build = path.resolve(process.argv[2] ?? "build");
const root = path.resolve(path.dirname(new URL(import.meta.url).pathname),
    "../..");
const slice = path.join(root, "examples/data/9418-08-image.pgm");
const mnist = path.join(root, "unet/models/mnist.safetensors");
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

if (chromium() === null) {
    skip("no Chromium (make deps-web)");
} else {
    const served = await Serving.start(build, [mnist],
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
    } finally {
        await browser.close();
        await served.stop();
    }
}
close();
