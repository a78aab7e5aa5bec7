/* fake.mjs -- a small server of the protocol, in memory, that fails on
 * demand: for tests of the client alone.  The real one is `volley serve`.
 *
 *   const fake = await Fake.start({pieceBytes, token});
 *   fake.fault = (request, n) => null | "drop" | "late" | {status, ...}
 *       asked before each request, n counting from 0: "drop" cuts it before
 *       anything is done, "late" does it and cuts the answer, an object is
 *       the answer
 */
import { createHash, randomBytes } from "node:crypto";
import http from "node:http";

const id = () => randomBytes(16).toString("hex");

export class Fake {
    static async start(options = {}) {
        const fake = new this(options);

        await new Promise((done) =>
            fake.http.listen(options.port ?? 0, "127.0.0.1", done));
        fake.url = `http://127.0.0.1:${fake.http.address().port}`;
        return fake;
    }

    constructor({ pieceBytes = 1000, token = "", models = [] } = {}) {
        Object.assign(this, { pieceBytes, token, models });
        this.uploads = new Map();
        this.finished = new Map();
        this.keys = new Map();
        this.jobs = new Map();
        this.log = [];                  /* "METHOD /path"                    */
        this.states = [];               /* text of events of every job       */
        this.answer = Buffer.from("result");
        this.fault = () => null;
        this.http = http.createServer((q, r) => this.take(q, r));
    }

    stop() {
        this.http.closeAllConnections();
        return new Promise((done) => this.http.close(done));
    }

    async take(q, r) {
        const fault = this.fault(q, this.log.length);
        this.log.push(`${q.method} ${q.url}`);
        if (fault === "drop")
            return q.socket.destroy();
        const parts = [];
        try {
            for await (const part of q)
                parts.push(part);
        } catch {
            return undefined;
        }
        let a = typeof fault === "object" && fault !== null ? fault
            : this.reply(q, Buffer.concat(parts));
        if (fault === "late")
            return q.socket.destroy();
        return this.write(q, r, a);
    }

    write(q, r, { status, json, bytes, headers = {}, cut, text }) {
        const data = json !== undefined ? Buffer.from(JSON.stringify(json))
            : bytes ?? Buffer.alloc(0);

        if (text !== undefined) {       /* events: no length                 */
            r.writeHead(200, { "Content-Type": "text/event-stream" });
            r.write(text);
            return cut ? setTimeout(() => q.socket.destroy(), 20) : r.end();
        }
        r.writeHead(status, { "Content-Length": data.length, ...headers });
        if (cut === undefined)
            return r.end(data);
        r.write(data.subarray(0, cut));
        return setTimeout(() => q.socket.destroy(), 20);
    }

    reply(q, body) {
        const [, , what, name, rest] = q.url.split("/");
        const method = q.method;

        if (this.token && q.headers.authorization !== `Bearer ${this.token}`)
            return { status: 401, json: { error: "no token" } };
        if (what === "models")
            return name ? { status: 200, bytes: Buffer.from("{}") }
                : { status: 200, json: { models: this.models } };
        if (what === "uploads")
            return this.upload(method, name, rest, q, body);
        if (what === "keys" && this.keys.has(name))
            return { status: 200, json: { model: "m", expires: 1,
                bytes: this.keys.get(name).length } };
        if (what === "jobs" && this.jobs.has(name))
            return this.job(name, rest, q);
        return { status: 404, json: { error: `no ${what} ${name}`,
            do: "start again" } };
    }

    upload(method, name, rest, q, body) {
        if (method === "POST" && !name) {
            const a = { ...JSON.parse(body), parts: new Map() };
            const upload = id();
            this.uploads.set(upload, a);
            return { status: 201, json: { upload,
                piece_bytes: this.pieceBytes,
                pieces: Math.ceil(a.bytes / this.pieceBytes) } };
        }
        const a = this.uploads.get(name);
        if (this.finished.has(name))    /* asked again behind a cut          */
            return this.finished.get(name);
        if (!a)
            return { status: 404, json: { error: "no such upload" } };
        const count = Math.ceil(a.bytes / this.pieceBytes);
        const missing = [...Array(count).keys()].filter(
            (k) => !a.parts.has(k));
        if (method === "GET")
            return { status: 200, json: { missing } };
        if (method === "DELETE") {
            this.uploads.delete(name);
            return { status: 204 };
        }
        if (method === "PUT") {
            const want = q.headers["content-digest"];
            const hash = createHash("sha256").update(body).digest("base64");
            if (want !== `sha-256=:${hash}:`)
                return { status: 422, json: { error: "digest" } };
            a.parts.set(Number(rest), body);
            return { status: 204 };
        }
        if (missing.length > 0)
            return { status: 409, json: { error: "missing", missing } };
        const all = Buffer.concat([...Array(count).keys()].map(
            (k) => a.parts.get(k)));
        const made = id();
        this.uploads.delete(name);
        (a.kind === "keys" ? this.keys : this.jobs).set(made, all);
        this.finished.set(name, { status: 201, json: a.kind === "keys"
            ? { keys: made, expires: 2e9 } : { job: made, place: 0 } });
        return this.finished.get(name);
    }

    job(name, rest, q) {
        if (rest === "events")
            return { text: this.states.shift() ?? "", cut: true };
        if (rest !== "result")
            return { status: 200, json: { state: "running" } };
        const range = /^bytes=(\d+)-$/.exec(q.headers.range ?? "");
        const from = range ? Number(range[1]) : 0;
        const end = this.answer.length;
        return { status: range ? 206 : 200,
            bytes: this.answer.subarray(from),
            headers: range ? { "Content-Range":
                `bytes ${from}-${end - 1}/${end}` } : {},
            cut: this.cuts?.shift() };
    }
}
