/* page.mjs -- the page: what is there, what may be pressed, who is asked.
 *
 * All work is done by a Worker (worker.mjs, owner.mjs); this file holds what
 * the user has chosen and shows what comes back.
 */
import { Ledger } from "./page_bytes.mjs";
import { listen, withPaths } from "./page_files.mjs";
import { Link, part } from "./page_link.mjs";
import { Stages } from "./page_stages.mjs";
import { MODULES } from "./simd.mjs";
import { View, census } from "./page_view.mjs";
import { $, count, make, save, seconds, sentence, size }
    from "./page_words.mjs";

const ONE_FILE = document.getElementById("part-volley.wasm") !== null;

const now = {
    info: null,                 /* of the network chosen, by volley.mjs      */
    files: null,                /* as chosen, for another network            */
    images: [],
    key: false, saved: true,    /* a key is there; its file was saved        */
    busy: false, running: false, done: false,
    stopped: false              /* Stop was pressed in this run              */
};
const ledger = new Ledger();
const stages = new Stages();
const view = new View();
const link = new Link(onEvent);

/* ---- what the user is told ---------------------------------------------- */

let again = null;               /* what Continue does                        */

function alertUser({ message, way = "", stopped }, resume = null) {
    if (stopped)
        return;
    again = resume;
    $("alert-what").textContent = sentence(message);
    $("alert-way").textContent = sentence(way);
    $("alert-again").hidden = resume === null;
    $("alert").hidden = false;
    $("alert").focus();
}

function calm() {
    $("alert").hidden = true;
    $("run-said").textContent = "\u00a0";
}

function buttons() {
    const { info, images, key, busy, running, done } = now;
    const free = info !== null && !busy && !running;

    $("go").disabled = !free || images.length === 0;
    $("stop").disabled = !running;
    $("key-open").disabled = !free;
    $("key-save").disabled = !key;
    for (const id of ["pick-files", "pick-folder"])
        $(id).disabled = running;
    for (const radio of document.querySelectorAll("[name=model]"))
        radio.disabled = busy || running;
    for (const id of ["save-mask", "save-slice", "save-request",
        "save-result"])
        $(id).disabled = !done;
    $("save-plan").disabled = $("save-owner").disabled = info === null;
    $("opacity").disabled = !done;
    $("slice").disabled = images.length < 2;
}

let last = Promise.resolve();

/* One thing after the other; its error goes to the user. */
function doing(act, resume = null) {
    last = last.then(() => work(act, resume));
    return last;
}

async function work(act, resume) {
    now.busy = true;
    calm();
    buttons();
    try {
        await act();
    } catch (e) {
        alertUser(e, e.again && resume ? resume : null);
    } finally {
        now.busy = false;
        buttons();
    }
}

function onEvent(event) {
    if (event.request)
        ledger.add(event.request);
    if (event.stage) {
        ledger.stage = event.stage;
        stages.show(event);
        $("run-said").textContent = "\u00a0";
    }
    if (event.keysId)
        keySaid();
    if (event.memory)
        now.memory = Math.max(now.memory ?? 0, event.memory + event.waiting);
    if (event.times) {
        now.times = event.times;
        $("times").textContent = JSON.stringify({ ...now.times,
            memory: now.memory });
    }
    if (event.wait)
        $("run-said").textContent = `${event.wait.message} Trying again in `
            + `${seconds(event.wait.ms / 1000)}.`;
}

/* ---- server and network ------------------------------------------------- */

function connect() {
    const base = ONE_FILE ? $("server").value : location.href
        .replace(/[?#].*$/, "").replace(/[^/]*$/, "");

    return doing(async () => {
        const models = await link.call("connect", {
            base, token: $("token").value,
            wasm: MODULES.map((name) => ONE_FILE ? part(name)
                : new URL(name, base).href).filter((m) => m !== null)
        }).catch((e) => {
            if (ONE_FILE && e.again)
                e.way = "Check the address, the network, and that the server "
                    + "answers pages kept as files (its option --origin "
                    + "null).";
            throw e;
        });
        $("host").textContent = new URL(base).host;
        showModels(models);
    }, connect);
}

/* The page of a server connects by itself; if it cannot, or needs a token,
 * the fields come into view. */
async function begin() {
    if (!ONE_FILE)
        await connect();
    if ($("models").children.length > 0)
        return;
    $("step-server").hidden = false;
    $("model-said").textContent = "Not connected.";
    if (!ONE_FILE) {
        $("server").value = location.origin;
        $("server").readOnly = true;
    }
}

function showModels(models) {
    $("models").replaceChildren(...models.map((m) => {
        const radio = make("input", { type: "radio", name: "model",
            value: m.name });
        const time = m.seconds === null ? "" : `, ${seconds(m.seconds)}`;
        radio.onchange = () => choose(m.name);
        return make("label", {}, radio, make("span", {}, m.name),
            make("span", { class: "hint" }, `${count(m.imagesASet, "image")} `
                + `at a time: at most ${size(m.uploadBytes)}${time}`));
    }));
    $("model-said").textContent = models.length === 0
        ? "The server offers no network." : "Choose a network.";
    if (models.length === 1)
        $("models").querySelector("input").click();
}

function choose(name) {
    return doing(async () => {
        now.info = null;
        Object.assign(now, { key: false, saved: true, done: false,
            images: [] });
        view.clear();
        stages.reset();
        now.info = await link.call("choose", name);
        stages.setLayers(now.info.layers ?? []);
        modelSaid();
        keySaid();
        nameLabels();
        if (now.files)
            await take(now.files);
    }, () => choose(name));
}

/* Of a network of one class: its foreground. */
function nameLabels() {
    const { labels, classes, foreground } = now.info;

    view.labels = labels.length > 0 ? labels
        : ["background", foreground || "inside"];
    $("legend").replaceChildren();
    $("save-mask").textContent = classes.length > 0 ? "Save the scores"
        : "Save the mask";
}

function modelSaid() {
    const { modality, security, height, width, border, keysBytes } =
        now.info;
    const sides = border === "halo" ? "any size"
        : `${height} × ${width} pixels`;

    $("model-said").textContent = [modality, sides,
        `${size(keysBytes)} of keys, once`, `${security} bits of security`]
        .filter(Boolean).join("; ");
}

/* ---- image -------------------------------------------------------------- */

/* Options of the reading: the values that are black and white. */
function greys() {
    const [low, high] = ["low", "high"].map((id) => $(id).valueAsNumber);

    return Number.isFinite(low) && Number.isFinite(high)
        ? { window: [low, high] } : {};
}

async function take(files) {
    now.files = files;
    Object.assign(now, { images: [], done: false });
    stages.reset();
    view.clear();
    $("image-warnings").replaceChildren();
    $("image-said").textContent = "Reading…";
    try {
        const { images, warnings, names, bytes } =
            await link.call("take", withPaths(files), greys());
        now.images = images;
        const what = names.length === 1 ? names[0]
            : `${names[0]} and ${names.length - 1} more`;
        $("image-said").textContent =
            `${what}: ${count(images.length, "image")} of `
            + `${images[0].height} × ${images[0].width}; `
            + `${size(bytes)} when encrypted`;
        $("image-warnings").replaceChildren(
            ...warnings.map((w) => make("li", {}, w)));
        $("slice").max = images.length - 1;
        $("slice").value = images.length >> 1;
        await showSlice();
    } catch (e) {
        $("image-said").textContent = "No image yet.";
        now.files = null;
        throw e;
    }
}

function chosen(files) {
    if (now.info === null) {
        now.files = files;
        $("image-said").textContent = `${count(files.length, "file")} `
            + "chosen; now choose a network.";
        return;
    }
    doing(() => take(files));
}

let showing = false;            /* one slice at a time, the latest wins      */

async function showSlice() {
    if (showing)
        return;
    showing = true;
    try {
        for (let i = -1; i !== Number($("slice").value);) {
            i = Number($("slice").value);
            const { name } = now.images[i];
            const image = await link.call("view", i);
            const mask = now.done && now.info.classes.length === 0
                ? await link.call("mask", i) : null;
            const n = now.images.length;
            view.show(image, mask, n > 1 ? `${name}, ${i + 1} of ${n}`
                : name);
            $("slice-said").textContent = `${i + 1} of ${n}`;
            if (mask)
                view.legend(census(mask.label));
            else if (now.done)
                view.classes(await link.call("scores", i), now.info.classes);
        }
    } finally {
        showing = false;
    }
}

/* ---- key ---------------------------------------------------------------- */

function keySaid(known) {
    $("key-said").textContent = !now.key
        ? "One is made when you start. It never leaves this machine."
        : known ? "Opened; the server still has its evaluation keys."
            : known === false
                ? "Opened; its evaluation keys are made when you start."
                : now.saved ? "Saved. Whoever has the file can open the images."
                    : "Made in this page only: save it if you want to use it "
                        + "again.";
}

function openKey(file) {
    return doing(async () => {
        if (file.size > 1 << 24)
            throw Object.assign(new Error(`${file.name} is no key file: `
                + `${size(file.size)}.`), { way: "Choose the key file that "
                + "was saved for this network." });
        const bytes = new Uint8Array(await file.arrayBuffer());
        const known = await link.call("openKey", file.name, bytes);
        Object.assign(now, { key: true, saved: true, done: false });
        stages.reset();
        keySaid(known);
        if (now.images.length > 0)
            await showSlice();
    });
}

async function saveFile(call, ...args) {
    try {
        save(await link.call(call, ...args));
        return true;
    } catch (e) {
        alertUser(e);
        return false;
    }
}

/* ---- analysis ----------------------------------------------------------- */

async function run() {
    Object.assign(now, { running: true, stopped: false });
    buttons();
    await doing(async () => {
        if (!now.key) {
            await link.call("makeKey");
            Object.assign(now, { key: true, saved: false });
            keySaid();
            buttons();
        }
        if (now.done)
            stages.reset();
        now.done = false;
        if (now.stopped)                /* while the key was made            */
            return;
        await link.call("run");
        now.done = true;
        $("run-said").textContent = "Done.";
        await showSlice();
        $("screen").scrollIntoView({ block: "nearest" });
    }, run);
    now.running = false;
    if (!now.done)
        stages.halt();
    buttons();
}

/* A volume's mask is a volume, a picture's a picture. */
function maskName() {
    const { name, volume } = now.images[$("slice").value];
    const stem = (volume ?? name).replace(/^.*\//, "")
        .replace(/(\.\w+)?(\.gz)?$/i, "");

    if (now.info.classes.length > 0)
        return "scores.csv";
    return `${stem}-mask${volume ? ".nii.gz" : ".png"}`;
}

$("server-form").onsubmit = (e) => {
    e.preventDefault();
    connect();
};
$("values").onsubmit = (e) => {
    e.preventDefault();
    if (now.files && now.info)
        doing(() => take(now.files));
};
$("go").onclick = run;
$("stop").onclick = () => {
    now.stopped = true;
    link.call("stop");
};
$("alert-again").onclick = () => {
    $("alert").hidden = true;
    again();
};
$("alert-close").onclick = calm;
$("slice").oninput = showSlice;
$("key-save").onclick = async () => {
    if (await saveFile("keyFile")) {
        now.saved = true;
        keySaid();
    }
};
$("save-mask").onclick = () => saveFile("file", maskName(),
    Number($("slice").value));
$("save-slice").onclick = async () => save({
    name: maskName().replace(/(-mask)?\.[a-z.]+$/, `-${$("slice").value}.png`),
    bytes: await view.png()
});
for (const what of ["plan", "owner", "request", "result"])
    $(`save-${what}`).onclick = () => saveFile("file", what);
onbeforeunload = (e) => {
    if (now.running || (now.key && !now.saved))
        e.preventDefault();
};
listen(chosen, openKey, alertUser);
begin();
