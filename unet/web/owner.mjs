/* owner.mjs -- the owner of images and keys at work: what a Worker runs for
 * the page, and what a test runs in node.
 *
 * Keys, images and masks live here and in the WASM's memory.  What leaves
 * goes through this.service: evaluation keys, encrypted images, nothing else.
 * Every step can be asked for again after an error: what is done stays done.
 */
import { Volley } from "./volley.mjs";
import { Service, ServiceError, isId } from "./service.mjs";
import { picture } from "./jpeg.mjs";
import { arrange } from "./files.mjs";

/* An error of the libraries, with the way out of the step it came from. */
async function step(way, act) {
    try {
        return await act();
    } catch (e) {
        if (e instanceof ServiceError || e.name === "AbortError")
            throw e;
        throw new ServiceError(e.message, way);
    }
}

const WAY = {
    wasm: "Reload the page; the browser must allow WebAssembly.",
    plan: "Choose another network, or tell whoever runs the server.",
    image: "Choose another image, or another network.",
    key: "Choose the key file that was saved for this network.",
    encrypt: "Close other tabs and try again.",
    result: "Run the analysis again; if it stays, tell whoever runs the "
        + "server."
};

/* How long a server that never answered is waited for, ms. */
const FIRST_MS = 3000;

export class Owner {
    /* tell(event): {stage, done, total, text} as work goes on, {request} for
     * every request, {wait} for pauses behind cuts. */
    constructor(tell = () => {}) {
        this.tell = tell;
        this.times = {};                /* ms of computing, by what          */
        this.files = [];
        this.forget();
    }

    /* Of one network: gone when another is chosen. */
    forget() {
        this.volley?.close();
        this.volley = null;
        this.secret = false;            /* a secret key is there             */
        this.keysId = null;
        this.keysUp = null;
        this.images = null;
        this.clearJob();
    }

    /* Of one set of images. */
    clearJob() {
        this.jobUp = null;
        this.job = null;
        this.state = null;
        this.result = null;
        this.opened = false;
    }

    /* wasm: a module's bytes or the address they are at, or several of such,
     * the best first.  Gives the models. */
    async connect({ base, token = "", wasm, options = {} }) {
        this.service = new Service(base, {
            token, onbytes: (request) => this.tell({ request }),
            onwait: (wait) => this.tell({ wait }), ...options
        });
        this.module ??= await step(WAY.wasm, () => compile([wasm].flat()));
        const { patience } = this.service;
        this.service.patience = FIRST_MS;       /* a wrong address, say      */
        this.models = await this.service.models();
        this.service.patience = patience;
        return this.models;
    }

    /* The network of that name: what volley.mjs says of it. */
    async choose(name) {
        const text = await this.service.plan(name);

        this.forget();
        this.model = name;
        this.plan = text;
        this.volley = await step(WAY.plan, () =>
            this.time("plan", () => Volley.open(this.module, { plan: text })));
        return { ...this.volley.info(), ...described(text) };
    }

    /* files: {path, file of a browser} or {path, bytes}; options: those of
     * Volley.images.  Gives {images, warnings, names, bytes}: of the upload. */
    async take(files, options = {}) {
        this.clearJob();
        this.images = null;
        const { all, names } = arrange(files);
        this.volley.clearFiles();
        for (const { path, file } of all) {
            const bytes = file.bytes
                ?? new Uint8Array(await file.file.arrayBuffer());
            const { channels } = this.volley.info();
            this.volley.addFile(path, await step(WAY.image, () =>
                picture(path, bytes, channels)));
        }
        const seen = await step(WAY.image, () =>
            this.time("images", () => this.volley.images(names, options)));
        this.images = seen.images;
        return { ...seen, names, bytes: this.volley.encryptBytes() };
    }

    view(i) {
        return this.volley.view(i);
    }

    async makeKey() {
        if (this.secret)
            return;
        await step(WAY.encrypt, () =>
            this.time("secret", () => this.volley.makeSecret()));
        this.secret = true;
    }

    /* The secret key's file and its name, which holds the number the server
     * knows the evaluation keys by: who opens it need not send them again. */
    keyFile() {
        const id = this.keysId ? `-${this.keysId}` : "";
        return { name: `${this.model}${id}.key`,
            bytes: this.volley.secret() };
    }

    /* True if the server still has its evaluation keys. */
    async openKey(name, bytes) {
        await step(WAY.key, () => this.volley.loadSecret(bytes));
        this.secret = true;
        this.keysId = null;
        this.keysUp = null;
        this.clearJob();
        const id = /(?:^|[^0-9a-f])([0-9a-f]{32})(?![0-9a-f])/.exec(name)?.[1];
        const known = isId(id) ? await this.service.keys(id) : null;
        if (known?.model === this.model
            && known.bytes === this.volley.info().keysBytes)
            this.keysId = id;
        return this.keysId !== null;
    }

    stop() {
        this.halt?.abort(new DOMException("stopped", "AbortError"));
    }

    /* From what is there to the opened result; after an error whose `again`
     * is true it goes on where it was. */
    async run() {
        this.halt = new AbortController();
        const { signal } = this.halt;

        if (this.opened)
            this.clearJob();            /* asked for once more               */
        try {
            await this.sendKeys(signal);
            await this.sendImages(signal);
            await this.compute(signal);
            await this.fetchResult(signal);
        } catch (e) {
            if (!e.again)
                await this.abandon();
            throw e;
        }
    }

    async sendKeys(signal) {
        const { keysBytes } = this.volley.info();

        if (this.keysId === null) {
            await this.makeKey();
            this.keysUp ??= this.service.upload(
                { kind: "keys", model: this.model }, keysBytes,
                this.timed("keys", this.volley.keys()));
            const { keys } = await this.send("keys", this.keysUp, signal);
            this.keysId = keys;
            this.keysUp = null;
            this.tell({ keysId: keys });
        }
        this.tell({ stage: "keys", done: keysBytes, total: keysBytes });
    }

    async sendImages(signal) {
        if (this.job === null) {
            this.jobUp ??= this.service.upload(
                { kind: "job", keys: this.keysId },
                this.volley.encryptBytes(),
                this.timed("encrypt", this.volley.encrypt()));
            try {
                const { job } = await this.send("images", this.jobUp, signal);
                this.job = job;
            } catch (e) {
                if (e.status === 404)
                    this.keysId = null; /* expired: the next run sends them  */
                throw e;
            }
        }
        const sent = this.jobUp.bytes;
        this.tell({ stage: "images", done: sent, total: sent });
    }

    send(stage, upload, signal) {
        this.tell({ stage, done: 0, total: upload.bytes });
        return upload.run({ signal, onpart: ({ stored, bytes, waiting }) =>
            this.tell({ stage, done: stored, total: bytes, waiting,
                memory: this.volley.memory() }) });
    }

    async compute(signal) {
        if (this.state?.state === "done")
            return;
        this.tell({ stage: "queue" });
        this.state = await this.service.follow(this.job, { signal,
            onstate: (state) => this.tell({
                stage: state.state === "queued" ? "queue" : "compute",
                state }) });
        this.tell({ stage: "compute", state: this.state });
    }

    async fetchResult(signal) {
        const { bytes } = this.state;

        this.tell({ stage: "result", done: 0, total: bytes });
        this.result ??= await this.service.result(this.job, bytes, { signal,
            onpart: (done) => this.tell({ stage: "result", done,
                total: bytes }) });
        await step(WAY.result, () => this.time("decrypt", () =>
            this.volley.decrypt(this.result)));
        this.opened = true;
        this.tell({ stage: "result", done: bytes, total: bytes });
        await this.service.drop("jobs", this.job).catch(() => {});
    }

    /* Nothing stays at the server of what is given up. */
    async abandon() {
        const { keysUp, jobUp, job } = this;

        this.clearJob();
        this.keysUp = null;
        await keysUp?.abandon();
        if (job !== null)
            await this.service.drop("jobs", job).catch(() => {});
        else
            await jobUp?.abandon();
    }

    mask(i) {
        return this.volley.mask(i);
    }

    /* Of a network of classes: {class, name, score, logits}. */
    scores(i) {
        return this.volley.scores(i);
    }

    /* As `volley decrypt -o scores.csv` writes them (docs/conventions.md,
     * "Results of classifiers"). */
    table() {
        const { classes, outChannels } = this.volley.info();
        const field = (text) => {
            const safe = /^[=+\-@]/.test(text) ? `'${text}` : text;
            return /[",\n\r]/.test(safe) ? `"${safe.replace(/"/g, '""')}"`
                : safe;
        };
        const heads = outChannels === 1 ? ["logit"] : classes;
        const lines = this.images.map(({ name }, i) => {
            const s = this.scores(i);
            return [name, s.name].map(field).concat([s.score, ...s.logits]);
        });

        return [["image", "class", "score", ...heads.map(field)], ...lines]
            .map((line) => `${line.join(",")}\n`).join("");
    }

    /* Beside secret.key; the fingerprint is the server's word, which the
     * command holds against the plan. */
    ownerFile() {
        const { plan } = this.models.find((m) => m.name === this.model);

        return new TextEncoder().encode(`${JSON.stringify({
            format: "volley-owner-1", plan, trust_server: false })}\n`);
    }

    /* requests/IDENTITY.req: the identity stands in bytes 8 to 23. */
    requestFile() {
        const bytes = this.volley.request();
        const id = [...bytes.subarray(8, 24)].map((b) =>
            b.toString(16).padStart(2, "0")).join("");

        return { name: `${id}.req`, bytes };
    }

    /* The bytes of a file for the owner's disk; of a mask named so: of image
     * i, or of its volume. */
    file(what, i = 0) {
        if (what === "plan")
            return { name: `${this.model}.plan`,
                bytes: new TextEncoder().encode(this.plan) };
        if (what === "owner")
            return { name: "owner.json", bytes: this.ownerFile() };
        if (what === "request")
            return this.requestFile();
        if (what === "result")
            return { name: "out.vct", bytes: this.result };
        if (what.endsWith(".csv"))
            return { name: what,
                bytes: new TextEncoder().encode(this.table()) };
        return { name: what, bytes: this.volley.saveMask(what, i) };
    }

    async time(what, act) {
        const t0 = performance.now();
        const value = await act();

        this.times[what] = Math.round(performance.now() - t0);
        this.tell({ times: this.times });
        return value;
    }

    /* A generator's own time, without what its user does between. */
    *timed(what, source) {
        let ms = 0;

        for (; ;) {
            const t0 = performance.now();
            const { done, value } = source.next();
            ms += performance.now() - t0;
            this.times[what] = Math.round(ms);
            if (done)
                break;
            yield value;
        }
        this.tell({ times: this.times });
    }
}

/* What a plan says beside what the library reads of it: Volley.open has
 * taken it, so it is JSON of the right form. */
function described(text) {
    const plan = JSON.parse(text);

    return { modality: String(plan.images?.modality ?? ""),
        layers: plan.steps.map((s) => String(s.name)) };
}

async function bytesOf(wasm) {
    if (wasm instanceof Uint8Array)
        return wasm;
    const answer = await fetch(wasm);
    if (!answer.ok)
        throw new Error(`${wasm}: ${answer.status}`);
    return answer.arrayBuffer();
}

/* The first of these that is there and that the engine takes. */
async function compile([wasm, ...others]) {
    try {
        return await WebAssembly.compile(await bytesOf(wasm));
    } catch (e) {
        if (others.length === 0)
            throw e;
        return compile(others);
    }
}
