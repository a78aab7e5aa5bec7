/* chromium_faults.mjs -- the page in real Chromium when things go wrong, with
 * the network of digits on the real `volley serve`:
 *
 *     node tests/web/chromium_faults.mjs BUILD [SHOTS]
 *
 * Images of a wrong size, cuts, a server killed in the middle of an upload,
 * no server for a time, damaged results, keys the server no longer has, a
 * token, a full quota, a stop; the page as one file by file://.
 */
import fs from "node:fs";
import path from "node:path";
import { Browser, chromium, sleep } from "./browser.mjs";
import { check, close, equal, skip, test } from "./check.mjs";
import { digitImage } from "./digit.mjs";
import { Serving } from "./serving.mjs";

const build = path.resolve(process.argv[2] ?? "build");
const shots = process.argv[3];
const root = path.resolve(path.dirname(new URL(import.meta.url).pathname),
    "../..");
const mnist = path.join(root, "unet/models/mnist.safetensors");
const slice = path.join(root, "examples/data/9418-08-image.pgm");
const LONG = 300e3;             /* of a busy machine                         */

const enabled = (id) => `!document.getElementById("${id}").disabled`;
const shown = (id) => `!document.getElementById("${id}").hidden`;
/* Sums the shifts of the layout that no input explains. */
const SHIFTS = `globalThis.shifts = 0; new PerformanceObserver((l) => {
    for (const e of l.getEntries()) if (!e.hadRecentInput) shifts += e.value;
}).observe({ type: "layout-shift", buffered: true });`;

async function ready(browser, url) {
    const page = await browser.open(url);

    await page.eval(SHIFTS);
    await page.wait(`document.querySelector("[value=mnist]")`, 30e3);
    await page.eval(`document.querySelector("[value=mnist]").click()`);
    await page.wait(enabled("key-open"), 30e3);
    return page;
}

async function withImage(page, file) {
    await page.files("files", [file]);
    await page.wait(`${enabled("go")} || ${shown("alert")}`, 30e3);
}

/* To the result, or to the words of the alert. */
async function analyse(page) {
    await page.click("go");
    await sleep(100);
    await page.wait(`!${enabled("stop")}`, LONG);
    return await page.eval(shown("alert")) ? page.text("alert") : "";
}

async function seven(page, text) {
    check(/^\d with score/.test(await page.text("legend")),
        `${text}: a class comes out: ${await page.text("legend")}`);
}

const served = {};
let browser, digit;

const CASES = {
    async "wrong image"() {
        const page = await ready(browser, served.open.url);

        await withImage(page, slice);
        const said = await page.text("alert");
        check(/200.*28/s.test(said) && /another image/.test(said),
            `a slice for digits: ${said}`);
        if (shots)
            await page.shot(path.join(shots, "light-refused.png"), false);
        await withImage(page, digit);
        check(!await page.eval(shown("alert")), "the alert goes away");
        await page.close();
    },

    async "cuts"() {
        const page = await ready(browser, served.open.url);
        const { line } = served.open;

        await withImage(page, digit);
        /* the browser itself may send again what was cut at its beginning */
        line.after = 5e6;
        equal(await analyse(page), "", "keys through a cut");
        check(line.after === null && line.cuts > 0, "there was a cut");
        await seven(page, "cut");
        const shift = await page.eval("shifts");
        check(shift < 0.01, `the layout shifts by ${shift}`);
        equal(page.faults.filter((f) => !/net::ERR/.test(f)), [],
            "the console is clean but for the cut");
        await page.close();
    },

    async "server killed and down"() {
        const page = await ready(browser, served.open.url);
        const s = served.open;

        await withImage(page, digit);
        s.line.after = 5e6;
        s.line.cut = function cut() {
            this.down = true;
            Object.getPrototypeOf(this).cut.call(this);
        };
        await page.click("go");
        await page.wait(`/Trying again/.test(document.getElementById(
            "run-said").textContent)`, LONG);
        await s.kill();
        await s.again();
        delete s.line.cut;
        s.line.down = false;
        await page.wait(`!${enabled("stop")}`, LONG);
        equal(await page.eval(shown("alert")) ? await page.text("alert") : "",
            "", "goes on after kill -9");
        await seven(page, "killed");
        await page.close();
    },

    async "damaged result; lost keys"() {
        const page = await ready(browser, served.open.url);

        await withImage(page, digit);
        served.open.line.damage = true;
        const said = await analyse(page);
        check(/checksum|damaged|differ/i.test(said) && /again/.test(said),
            `a damaged result: ${said}`);
        check(!served.open.line.damage, "it was damaged");
        equal(await analyse(page), "", "again");
        await seven(page, "again");
        await page.click("key-save");
        const key = await browser.download(/^mnist-[0-9a-f]{32}\.key$/);
        await page.close();
        await openedKey(key, path.basename(key).slice(6, 38));
    },

    async "token and quota"() {
        const page = await browser.open(served.shut.url);

        await page.wait(shown("step-server"), 30e3);
        check(/token/.test(await page.text("alert")), "asks for the token");
        await page.eval(`document.getElementById("token").value = "wrong"`);
        await page.click("connect");
        await page.wait(shown("alert"), 30e3);
        await page.eval(`document.getElementById("token").value =
            "a token of the test"`);
        await page.click("connect");
        await page.wait(`document.querySelector("[value=mnist]")`, 30e3);
        await page.eval(`document.querySelector("[value=mnist]").click()`);
        await page.wait(enabled("key-open"), 30e3);
        await withImage(page, digit);
        const said = await analyse(page);
        check(/at most 6.0 MiB/.test(said), `no room: ${said}`);
        await page.close();
    },

    async "a folder dropped"() {
        const page = await ready(browser, served.open.url);
        const folder = path.join(browser.folder, "dropped");
        const data = { items: [], files: [folder], dragOperationsMask: 1 };

        fs.mkdirSync(folder, { recursive: true });
        for (const name of ["a.pgm", "b.pgm"])
            fs.writeFileSync(path.join(folder, name), digitImage());
        for (const type of ["dragEnter", "dragOver", "drop"])
            await page.send("Input.dispatchDragEvent",
                { type, x: 300, y: 400, data });
        await page.wait(enabled("go"), 30e3);
        check(/^dropped: 2 images/.test(await page.text("image-said")),
            `dropped: ${await page.text("image-said")}`);
        await page.close();
    },

    async "stop"() {
        const page = await ready(browser, served.open.url);

        await withImage(page, digit);
        served.open.line.down = true;
        served.open.line.cut();
        await page.click("go");
        await page.wait(enabled("stop"));
        await page.click("stop");
        await page.wait(`!${enabled("stop")}`, 30e3);
        check(!await page.eval(shown("alert")), "a stop is no error");
        served.open.line.down = false;
        equal(await analyse(page), "", "after a stop it begins anew");
        await page.close();
    },

    async "stop before the key is made"() {
        const page = await ready(browser, served.open.url);

        await withImage(page, digit);
        await page.eval(`document.getElementById("go").click();
            document.getElementById("stop").click()`);
        await page.wait(`!${enabled("stop")}`, 30e3);
        check(!await page.eval(shown("alert")), "that is no error, either");
        check(!await page.eval(enabled("save-mask")), "and there is no mask");
        equal(await analyse(page), "", "after it all begins anew");
        await page.close();
    },

    async "one file"() {
        const page = await browser.open(
            `file://${path.join(build, "web/volley.html")}`);

        await page.eval(`document.getElementById("server").value =
            ${JSON.stringify(served.shut.url)}`);
        await page.click("connect");
        await page.wait(shown("alert"), 30e3);
        check(/--origin null/.test(await page.text("alert")),
            `origin refused: ${await page.text("alert")}`);
        await page.eval(`document.getElementById("server").value =
            ${JSON.stringify(served.open.url)}`);
        await page.click("connect");
        await page.wait(`document.querySelector("[value=mnist]")`, 30e3);
        await page.eval(`document.querySelector("[value=mnist]").click()`);
        await page.wait(enabled("key-open"), 30e3);
        await withImage(page, digit);
        equal(await analyse(page), "", "the page as one file");
        await seven(page, "one file");
        await page.close();
    }
};

/* A key opened again: its evaluation keys are there, then no longer. */
async function openedKey(file, id) {
    const page = await ready(browser, served.open.url);

    await withImage(page, digit);
    await page.files("key-file", [file]);
    await page.wait(`/still has/.test(document.getElementById("key-said")
        .textContent)`, 30e3);
    equal(await analyse(page), "", "with a key that was saved");
    const puts = await page.eval(`[...document.querySelectorAll(
        "#requests tr")].filter((r) => /^evaluation/.test(
        r.cells[2].textContent)).length`);
    equal(puts, 0, "no evaluation keys are sent again");
    await page.eval(`fetch("/v1/keys/${id}", { method: "DELETE" })`);
    const said = await analyse(page);
    check(/keys/.test(said), `keys are gone: ${said}`);
    equal(await analyse(page), "", "they are made anew");
    await page.files("key-file", [slice]);
    await page.wait(shown("alert"));
    check(/key/.test(await page.text("alert")), "an image is no key");
    await page.close();
}

if (chromium() === null) {
    skip("no Chromium (make deps-web)");
} else {
    browser = await Browser.launch();
    digit = path.join(browser.folder, "digit.pgm");
    fs.writeFileSync(digit, digitImage());
    const token = path.join(browser.folder, "token");
    fs.writeFileSync(token, "a token of the test\n");
    const page = path.join(build, "web");
    try {
        served.open = await Serving.start(build, [mnist],
            { page, args: ["--origin", "null"] });
        served.shut = await Serving.start(build, [mnist],
            { page, args: ["--token", token, "--quota", "6M"] });
        const only = process.env.ONLY ?? "";
        for (const [name, act] of Object.entries(CASES))
            if (name.includes(only))
                await test(name, act);
    } finally {
        await browser.close();
        await served.open?.stop();
        await served.shut?.stop();
    }
}
close();
