/* chromium.mjs -- a hospital's user at the page, in real Chromium, against
 * the real `volley serve` and network:
 *
 *     node tests/web/chromium.mjs BUILD [SHOTS]
 *
 * gm by keyboard alone: a slice in, keys made and sent, the network run, the
 * mask out; it is the command's, to the byte.  SHOTS: folder for pictures.
 */
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { Browser, chromium } from "./browser.mjs";
import { check, close, equal, skip, test } from "./check.mjs";
import { open, volume } from "./nifti.mjs";
import { Serving } from "./serving.mjs";

const build = path.resolve(process.argv[2] ?? "build");
const shots = process.argv[3];
const root = path.resolve(path.dirname(new URL(import.meta.url).pathname),
    "../..");
const image = path.join(root, "examples/data/9418-08-image.pgm");
const LONG = 600e3;             /* of a busy machine                         */

const enabled = (id) => `!document.getElementById("${id}").disabled`;

/* Both themes, as it looks now. */
async function picture(page, name) {
    if (!shots)
        return;
    for (const scheme of ["dark", "light"]) {
        await page.scheme(scheme);
        await page.shot(path.join(shots, `${scheme}-${name}.png`));
    }
}

/* Every control has a name that a screen reader says. */
async function named(page) {
    await page.send("Accessibility.enable");
    const { nodes } = await page.send("Accessibility.getFullAXTree");
    const controls = ["button", "slider", "radio", "textbox", "image",
        "radiogroup", "progressbar", "img", "DisclosureTriangle"];

    for (const n of nodes.filter((x) => !x.ignored
        && controls.includes(x.role?.value)))
        check(n.name?.value, `a ${n.role.value} has a name`);
    await page.send("Accessibility.disable");
}

async function save(browser, page, id, pattern) {
    await page.click(id);
    return browser.download(pattern);
}

/* The pixels of a PNG, which other builds compress in other ways. */
function decoded(page, bytes) {
    return page.eval(`(async () => {
        const b = await createImageBitmap(new Blob([Uint8Array.from(atob("${
    bytes.toString("base64")}"), (c) => c.charCodeAt(0))]));
        const x = new OffscreenCanvas(b.width, b.height).getContext("2d");
        x.drawImage(b, 0, 0);
        return Array.from(x.getImageData(0, 0, b.width, b.height).data)
            .join();
    })()`);
}

/* The command's mask from what the page saved. */
async function byCommand(browser, page, folder) {
    const keys = path.join(folder, "keys");
    const put = async (id, pattern, to) => {
        const file = await save(browser, page, id, pattern);
        fs.copyFileSync(file, path.join(keys, to ?? path.basename(file)));
    };

    fs.mkdirSync(path.join(keys, "requests"), { recursive: true });
    await put("save-plan", /^gm\.plan$/);
    await put("save-owner", /^owner\.json$/);
    await put("save-result", /^out\.vct$/);
    await put("key-save", /^gm-[0-9a-f]{32}\.key$/, "secret.key");
    const request = await save(browser, page, "save-request",
        /^[0-9a-f]{32}\.req$/);
    fs.copyFileSync(request, path.join(keys, "requests",
        path.basename(request)));
    const mask = path.join(folder, "mask.png");
    execFileSync(path.join(build, "volley"), ["decrypt",
        path.join(keys, "gm.plan"), "--key", path.join(keys, "secret.key"),
        path.join(keys, "out.vct"), "-o", mask], { stdio: "pipe" });
    return fs.readFileSync(mask);
}

/* docs/page.png, before its colours are made fewer. */
async function forReadme(page) {
    if (!shots)
        return;
    await page.eval("document.activeElement.blur()");
    await page.size(1000, 900);
    await page.shot(path.join(shots, "page.png"));
    await page.size(1280, 1000);
}

async function keyboard(browser, page) {
    check(await page.tabTo("models"), "Tab reaches the networks");
    await page.key("Space");
    await page.wait(`document.querySelector("[value=gm]").checked`);
    await page.wait(enabled("key-open"), 60e3);
    await picture(page, "network");
    check(await page.tabTo("pick-files"), "Tab reaches the choice of files");
    page.chooser = [image];
    await page.key("Enter");
    await page.wait(enabled("go"), 30e3);
    equal(await page.text("image-said"),
        "9418-08-image.pgm: 1 image of 200 × 200; 17 MB when encrypted",
    "what was chosen");
    await picture(page, "choose");
    check(await page.tabTo("go"), "Tab reaches the analysis");
    await page.key("Enter");
    await page.wait(`document.querySelector("#stage-compute.now")
        && document.querySelector("#layers .now")`, LONG);
    await picture(page, "running");
    await page.wait(enabled("save-mask"), LONG);
    await picture(page, "mask");
    await forReadme(page);
    check(await page.tabTo("opacity"), "Tab reaches the mask's opacity");
    await page.key("ArrowRight");
    equal(await page.text("opacity-said"), "56 %", "arrows change it");
    check(await page.tabTo("key-save"), "Tab reaches the key");
    await page.key("Enter");
    await page.wait(`document.getElementById("key-said").textContent
        .startsWith("Saved")`);
}

/* Sums of what went over the line, as the page says them. */
async function sums(page) {
    return page.eval(`(() => {
        const rows = [...document.querySelectorAll("#requests tr")].map((r) =>
            [...r.cells].map((c) => c.textContent.replace(/,/g, "")));
        const up = (word) => rows.filter((r) => r[2].startsWith(word))
            .reduce((n, r) => n + Number(r[4]), 0);
        return { keys: up("evaluation keys"), image: up("the encrypted image"),
            rest: up("") - up("evaluation keys") - up("the encrypted image"),
            requests: rows.length };
    })()`);
}

/* A volume, with the keys that are there: its mask lies on it and is the clear
 * network's but for a pixel in 10,000. */
async function volumeOf(browser, page, folder) {
    const file = path.join(folder, "vol.nii.gz");
    const want = path.join(folder, "want.nii.gz");
    const before = await sums(page);

    fs.writeFileSync(file, volume(["08", "09"].map((n) => fs.readFileSync(
        image.replace("08-image", `${n}-image`)).subarray(-40000)), 200, 200,
    [0.25, 0.25, 5]));
    await page.files("files", [file]);
    await page.wait(`/^vol.nii.gz: 2 images/.test(document.getElementById(
        "image-said").textContent)`, 30e3);
    await page.wait(enabled("go"));
    await page.click("go");
    await page.wait(enabled("save-mask"), LONG);
    await picture(page, "volume");
    const got = open(fs.readFileSync(await save(browser, page, "save-mask",
        /^vol-mask\.nii\.gz$/)));
    execFileSync(path.join(build, "volley"), ["clear",
        path.join(root, "unet/models/gm.safetensors"), file, "-o", want],
    { stdio: "pipe" });
    const clear = open(fs.readFileSync(want));
    const apart = got.voxels.filter((v, i) => v !== clear.voxels[i]).length;
    check(got.head.equals(clear.head), "the volume's header is the command's");
    /* noise may turn pixels at the threshold: 0.05 % of them */
    check(got.voxels.length === 80000 && apart <= 40,
        `${apart} of ${got.voxels.length} voxels differ from the clear ones`);
    check(got.voxels.some((v) => v === 1), "something was found");
    equal((await sums(page)).keys, before.keys, "keys are sent once");
}

async function gm(browser, served) {
    const page = await browser.open(served.url, { height: 1000 });
    await page.wait(enabled("server").replace("disabled", "dataset.no")
        + ` && document.querySelector("[value=gm]")`, 30e3);
    await named(page);
    await keyboard(browser, page);
    const label = await page.eval(
        `document.getElementById("canvas").getAttribute("aria-label")`);
    check(/grey matter: \d+ pixels/.test(label), `the canvas says: ${label}`);
    const sum = await sums(page);
    const times = JSON.parse(await page.text("times")
        || await page.eval(`document.getElementById("times").textContent`));
    console.log(`gm in Chromium, ms: ${JSON.stringify(times)}; bytes sent: `
        + JSON.stringify(sum));
    check(times.memory <= 150e6, `${times.memory} bytes while keys are made, `
        + "150 MB at most");
    check(sum.rest < 1000, `${sum.rest} bytes sent beside keys and image`);
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "volley-owner-"));
    const mask = await save(browser, page, "save-mask", /-mask\.png$/);
    const want = await byCommand(browser, page, folder);
    const pixels = await Promise.all([fs.readFileSync(mask), want].map((b) =>
        decoded(page, b)));
    check(pixels[0].length > 4 * 40000 && pixels[0] === pixels[1],
        "the page's mask is the command's, byte for byte");
    await volumeOf(browser, page, folder);
    fs.rmSync(folder, { recursive: true });
    await page.size(640, 700, 2);
    const wide = await page.eval("document.scrollingElement.scrollWidth"
        + " - document.documentElement.clientWidth");
    check(wide <= 0, `at 200 % nothing stands out of the window: ${wide}`);
    await picture(page, "zoom");
    equal(page.faults, [], "the console is clean");
    await page.close();
}

if (chromium() === null) {
    skip("no Chromium (make deps-web)");
} else {
    await test("gm", async () => {
        const served = await Serving.start(build,
            [path.join(root, "unet/models/gm.safetensors"),
                path.join(root, "unet/models/mnist.safetensors")],
            { page: path.join(build, "web") });
        const browser = await Browser.launch();
        try {
            await gm(browser, served);
        } finally {
            await browser.close();
            await served.stop();
        }
    });
}
close();
