/* browser.mjs -- Chromium, driven through its own pipe (the DevTools
 * protocol, messages of JSON that end in 0): no package, and the network is
 * not watched, so that uploads of 90 MB are not copied to the test.
 */
import { spawn } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";

const NAMES = ["chromium", "chromium-browser", "google-chrome"];

/* Its path, or null. */
export function chromium() {
    const dirs = (process.env.PATH ?? "").split(":");

    for (const name of NAMES)
        for (const dir of dirs)
            if (fs.existsSync(path.join(dir, name)))
                return path.join(dir, name);
    return null;
}

export const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

export class Browser {
    static async launch() {
        const b = new Browser();

        await b.send("Browser.setDownloadBehavior", { behavior: "allow",
            downloadPath: b.downloads, eventsEnabled: true });
        return b;
    }

    constructor() {
        this.folder = fs.mkdtempSync(path.join(os.tmpdir(), "volley-web-"));
        this.downloads = path.join(this.folder, "downloads");
        fs.mkdirSync(this.downloads);
        const args = ["--headless=new", "--remote-debugging-pipe",
            "--no-first-run", "--disable-gpu", "--mute-audio",
            "--disable-background-networking", "--disable-dev-shm-usage",
            `--user-data-dir=${path.join(this.folder, "profile")}`];
        if (process.getuid?.() === 0)
            args.push("--no-sandbox");
        this.child = spawn(chromium(), [...args, "about:blank"],
            { stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"] });
        this.waiting = new Map();
        this.sessions = new Map();
        this.last = 0;
        this.rest = Buffer.alloc(0);
        this.child.stdio[4].on("data", (part) => this.take(part));
        this.child.stdio[3].on("error", () => {});
        this.child.on("exit", () => {
            for (const { fail } of this.waiting.values())
                fail(new Error("the browser has ended"));
        });
    }

    take(part) {
        this.rest = Buffer.concat([this.rest, part]);
        for (let end; (end = this.rest.indexOf(0)) >= 0;) {
            const m = JSON.parse(this.rest.subarray(0, end).toString());
            this.rest = this.rest.subarray(end + 1);
            const call = this.waiting.get(m.id);
            if (!call) {
                this.sessions.get(m.sessionId)?.event(m);
                continue;
            }
            this.waiting.delete(m.id);
            if (m.error)
                call.fail(new Error(`${call.method}: ${m.error.message}`));
            else
                call.done(m.result);
        }
    }

    send(method, params = {}, sessionId) {
        const id = ++this.last;

        this.child.stdio[3].write(
            JSON.stringify({ id, method, params, sessionId }) + "\0");
        return new Promise((done, fail) =>
            this.waiting.set(id, { done, fail, method }));
    }

    /* A page at that address; scheme: "light" or "dark". */
    async open(url, { width = 1280, height = 900, scheme = "light",
        scale = 1 } = {}) {
        const { targetId } = await this.send("Target.createTarget",
            { url: "about:blank" });
        const { sessionId } = await this.send("Target.attachToTarget",
            { targetId, flatten: true });
        const page = new Page(this, sessionId, targetId);

        this.sessions.set(sessionId, page);
        for (const domain of ["Page", "Runtime", "Log", "DOM"])
            await page.send(`${domain}.enable`);
        await page.send("Emulation.setScrollbarsHidden", { hidden: true });
        await page.send("Page.setInterceptFileChooserDialog",
            { enabled: true });
        await page.scheme(scheme);
        await page.size(width, height, scale);
        await page.send("Page.navigate", { url });
        await page.wait("document.readyState === 'complete'"
            + " && location.href !== 'about:blank'");
        return page;
    }

    /* A download whose name matches; its path. */
    async download(pattern, ms = 20000) {
        for (const end = Date.now() + ms; ;) {
            const names = fs.readdirSync(this.downloads);
            const name = names.find((n) => pattern.test(n));
            if (name !== undefined)
                return path.join(this.downloads, name);
            if (Date.now() > end)
                throw new Error(`no download like ${pattern}: ${names}`);
            await sleep(50);
        }
    }

    async close() {
        const gone = new Promise((done) => this.child.on("exit", done));

        this.child.kill();
        await gone;
        /* its helpers end, and write, a little later */
        for (const end = Date.now() + 20000; ; await sleep(200)) {
            try {
                fs.rmSync(this.folder, { recursive: true, force: true });
                return;
            } catch (error) {
                if (Date.now() > end)
                    throw error;
            }
        }
    }
}

const KEYS = { Tab: 9, Enter: 13, Space: 32, ArrowLeft: 37, ArrowUp: 38,
    ArrowRight: 39, ArrowDown: 40, Home: 36, End: 35, Escape: 27 };

class Page {
    constructor(browser, session, target) {
        Object.assign(this, { browser, session, target });
        this.faults = [];               /* errors, refusals by the policy    */
        this.chooser = null;            /* files for the next chooser        */
    }

    send(method, params) {
        return this.browser.send(method, params, this.session);
    }

    event({ method, params }) {
        if (method === "Runtime.exceptionThrown")
            this.faults.push(params.exceptionDetails.exception?.description
                ?? params.exceptionDetails.text);
        if (method === "Log.entryAdded" && params.entry.level === "error")
            this.faults.push(params.entry.text);
        if (method === "Page.fileChooserOpened" && this.chooser) {
            this.send("DOM.setFileInputFiles", { files: this.chooser,
                backendNodeId: params.backendNodeId });
            this.chooser = null;
        }
    }

    async eval(expression) {
        const { result, exceptionDetails: e } = await this.send(
            "Runtime.evaluate", { expression, returnByValue: true,
                awaitPromise: true, userGesture: true });

        if (e)
            throw new Error(e.exception?.description ?? e.text);
        return result.value;
    }

    async wait(expression, ms = 10000) {
        for (const end = Date.now() + ms; ;) {
            if (await this.eval(expression).catch(() => false))
                return;
            if (Date.now() > end)
                throw new Error(`waited ${ms} ms for ${expression}; alert: `
                    + `${await this.text("alert")}; ${this.faults}`);
            await sleep(50);
        }
    }

    text(id) {
        return this.eval(`(document.getElementById("${id}")?.innerText ?? "")`
            + ".trim()");
    }

    click(id) {
        return this.eval(`document.getElementById("${id}").click()`);
    }

    /* Files into an input. */
    async files(id, paths) {
        const { root } = await this.send("DOM.getDocument");
        const { nodeId } = await this.send("DOM.querySelector",
            { nodeId: root.nodeId, selector: `#${id}` });

        await this.send("DOM.setFileInputFiles", { nodeId, files: paths });
    }

    async key(name) {
        const code = KEYS[name];
        const text = { Enter: "\r", Space: " " }[name];
        const event = { key: text === " " ? " " : name, code: name, text,
            windowsVirtualKeyCode: code, nativeVirtualKeyCode: code };

        await this.send("Input.dispatchKeyEvent",
            { type: text ? "keyDown" : "rawKeyDown", ...event });
        await this.send("Input.dispatchKeyEvent", { type: "keyUp", ...event,
            text: undefined });
    }

    /* Tab until the element of that id, or one that it holds, has the focus;
     * false if it never has. */
    async tabTo(id, most = 60) {
        for (let i = 0; i < most; i++) {
            await this.key("Tab");
            if (await this.eval(`document.getElementById("${id}")`
                + ".contains(document.activeElement)"))
                return true;
        }
        return false;
    }

    scheme(value) {
        return this.send("Emulation.setEmulatedMedia", { features: [
            { name: "prefers-color-scheme", value }] });
    }

    size(width, height, scale = 1) {
        return this.send("Emulation.setDeviceMetricsOverride",
            { width, height, deviceScaleFactor: scale, mobile: false });
    }

    /* The whole page, or what is in view, as PNG. */
    async shot(file, whole = true) {
        const { data } = await this.send("Page.captureScreenshot",
            { captureBeyondViewport: whole });

        fs.mkdirSync(path.dirname(file), { recursive: true });
        fs.writeFileSync(file, Buffer.from(data, "base64"));
    }

    close() {
        return this.browser.send("Target.closeTarget",
            { targetId: this.target });
    }
}
