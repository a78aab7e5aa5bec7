/* service.mjs -- the client of `volley serve`: requests, their bounds and
 * their repetition.  Uploads are in upload.mjs, the events of a job in
 * events.mjs, its result in result.mjs, errors in errors.mjs.
 *
 * Nothing here knows keys or images: it moves bytes.  Every number and name
 * the server sends is checked before use; what does not fit is a
 * ServiceError.  Works in a page, in a Worker and in node.
 */
import { ServiceError, cut, oneLine, pause, refused, strange, whole }
    from "./errors.mjs";
export { ServiceError, isId } from "./errors.mjs";
import { Upload } from "./upload.mjs";
import { follow } from "./events.mjs";
import { result } from "./result.mjs";

/* Most bytes of an answer that is text: models, a plan, a state. */
const TEXT_BYTES = 8 << 20;
/* A request without an answer for so long is given up, ms: 4 MiB at
 * 0.2 Mbit/s take 170 s. */
const REQUEST_MS = 300e3;
/* How long cuts are sat out before the user is asked, ms. */
const PATIENCE_MS = 60e3;

/* The body of an answer, at most `most` bytes; onbytes hears each part. */
async function body(response, most, onbytes = () => {}) {
    const parts = [];
    let size = 0;

    for (const reader = response.body?.getReader(); reader;) {
        const { done, value } = await reader.read();
        if (done)
            break;
        size += value.length;
        if (size > most) {
            reader.cancel().catch(() => {});
            throw strange(`more than ${most} bytes`);
        }
        onbytes(value.length);
        parts.push(value);
    }
    const all = new Uint8Array(size);
    parts.reduce((at, part) => (all.set(part, at), at + part.length), 0);
    return all;
}

/* The address as users write it, without what is behind the host's part. */
export function address(text) {
    const whole = /^[a-z]+:\/\//i.test(text) ? text : `https://${text}`;
    let url;

    try {
        url = new URL(whole);
    } catch {
        url = null;
    }
    if (!url || !/^https?:$/.test(url.protocol) || url.username
        || url.password)
        throw new ServiceError(`"${oneLine(text, 80)}" is no address of a `
            + "server.", "Write it as https://volley.example.org or "
            + "http://localhost:8080.");
    return url.origin + url.pathname.replace(/\/+$/, "");
}

export class Service {
    /* base: the server's address.  onbytes({method, path, status, up, down,
     * ms}) hears of every request, in bytes of bodies.  onwait({message,
     * ms}) hears of pauses after a cut, the first of `first` ms, doubled
     * each time. */
    constructor(base, { token = "", onbytes = () => {}, onwait = () => {},
        fetch = globalThis.fetch.bind(globalThis), first = 250,
        patience = PATIENCE_MS } = {}) {
        this.base = address(base);
        this.token = token;
        this.onbytes = onbytes;
        this.onwait = onwait;
        this.fetch = fetch;
        this.first = first;
        this.patience = patience;
    }

    /* One request, one answer of any status: a Response whose body is not
     * read yet, or a ServiceError if none came. */
    async open(method, path, { send, headers = {}, signal, span } = {}) {
        const limit = AbortSignal.timeout(span ?? REQUEST_MS);
        const all = { ...headers };

        if (this.token)
            all.Authorization = `Bearer ${this.token}`;
        try {
            return await this.fetch(this.base + path, {
                method, headers: all, body: send, cache: "no-store",
                credentials: "omit", redirect: "error",
                referrerPolicy: "no-referrer",
                signal: signal ? AbortSignal.any([signal, limit]) : limit
            });
        } catch (e) {
            if (signal?.aborted)
                throw signal.reason;
            throw cut(this.base, limit.aborted ? "no answer in time"
                : oneLine(e.cause?.code ?? e.message, 80));
        }
    }

    /* One request, its whole answer as bytes; other statuses than 2xx are
     * ServiceErrors.  send: Uint8Array, Blob or an object for JSON. */
    async once(method, path, { send, most = TEXT_BYTES, ...rest } = {}) {
        const plain = send === undefined || send instanceof Uint8Array
            || send instanceof Blob;
        const data = plain ? send : JSON.stringify(send);
        const headers = { ...rest.headers };
        const t0 = performance.now();
        const said = { method, path, status: 0, up: 0, down: 0, ms: 0 };

        if (data !== undefined)
            headers["Content-Type"] = plain ? "application/octet-stream"
                : "application/json";
        try {
            const r = await this.open(method, path,
                { ...rest, send: data, headers });
            said.status = r.status;
            const bytes = await this.read(r, most, said, rest.signal);
            if (r.ok)
                return { bytes, status: r.status, headers: r.headers };
            throw refused(r, bytes);
        } finally {
            said.up = data?.size ?? data?.length ?? 0;
            said.ms = performance.now() - t0;
            this.onbytes(said);
        }
    }

    async read(response, most, said, signal) {
        try {
            return await body(response, response.ok ? most : TEXT_BYTES,
                (n) => { said.down += n; });
        } catch (e) {
            if (signal?.aborted)
                throw signal.reason;
            throw e instanceof ServiceError ? e
                : cut(this.base, oneLine(e.message, 80));
        }
    }

    /* The ServiceError of an answer that is no success. */
    async refusal(response, said, signal) {
        const bytes = await this.read(response, TEXT_BYTES, said, signal);
        return refused(response, bytes);
    }

    /* Does act until it succeeds, fails for good, or cuts have lasted longer
     * than patience: then the last error goes out, and the same can be asked
     * for again later.  act(turn, alive) calls alive when it gets on. */
    async persist(act, signal) {
        let begun = performance.now();

        for (let turn = 0; ; turn++) {
            try {
                return await act(turn, () => {
                    begun = performance.now();
                    turn = 0;
                });
            } catch (e) {
                const left = this.patience - (performance.now() - begun);
                if (!(e instanceof ServiceError) || !e.again || left <= 0)
                    throw e;
                const ms = Math.max(1000 * Math.min(e.after, 60),
                    Math.min(this.first * 2 ** turn, 8000));
                this.onwait({ message: e.message, ms });
                await pause(Math.min(ms, left + 1), signal);
            }
        }
    }

    /* The answer as JSON: an object. */
    async json(method, path, options = {}) {
        const text = async () => {
            const { bytes } = await this.once(method, path, options);
            return new TextDecoder().decode(bytes);
        };
        const answer = await this.persist(text, options.signal);
        let value;

        try {
            value = JSON.parse(answer);
        } catch { /* below */ }
        if (value === null || typeof value !== "object")
            throw strange(`${method} ${path} gave no JSON object`);
        return value;
    }

    /* [{name, plan, planBytes, keysBytes, uploadBytes, downloadBytes,
     *   imagesASet, seconds or null}]: bytes and seconds of a set. */
    async models(signal) {
        const { models } = await this.json("GET", "/v1/models", { signal });

        if (!Array.isArray(models) || models.length > 1000)
            throw strange("models is no list of at most 1000");
        return models.map((m) => {
            if (!/^[\w.-]{1,64}$/.test(m?.name))
                throw strange("a model without a usable name");
            const size = (key) => whole(m[key], 2 ** 40, `${m.name}: ${key}`);
            return {
                name: m.name,
                plan: typeof m.plan === "string" ? oneLine(m.plan, 80) : "",
                planBytes: size("plan_bytes"), keysBytes: size("keys_bytes"),
                uploadBytes: size("upload_bytes"),
                downloadBytes: size("download_bytes"),
                imagesASet: size("images_a_set"),
                seconds: Number.isFinite(m.seconds) && m.seconds >= 0
                    ? m.seconds : null
            };
        });
    }

    /* The plan's text; whether it is acceptable is for Volley.open to say. */
    async plan(name, signal) {
        const path = `/v1/models/${encodeURIComponent(name)}/plan`;
        const get = () => this.once("GET", path, { signal });
        const { bytes } = await this.persist(get, signal);

        return new TextDecoder().decode(bytes);
    }

    /* what: {kind: "keys", model} or {kind: "job", keys}; bytes: of all;
     * source: a generator of {bytes} or {at, bytes}.  See upload.mjs. */
    upload(what, bytes, source) {
        return new Upload(this, what, bytes, source);
    }

    /* {model, bytes, expires}, or null when the server has no such keys. */
    async keys(id, signal) {
        try {
            const k = await this.json("GET", `/v1/keys/${id}`, { signal });
            return {
                model: oneLine(k.model, 64), bytes: whole(k.bytes, 2 ** 40,
                    "bytes"), expires: whole(k.expires, 2 ** 40, "expires")
            };
        } catch (e) {
            if (e.status === 404)
                return null;
            throw e;
        }
    }

    async drop(kind, id) {
        await this.once("DELETE", `/v1/${kind}/${id}`);
    }

    /* Follows a job to its end; gives its last state.  See events.mjs. */
    follow(id, options) {
        return follow(this, id, options);
    }

    /* The result, `size` bytes as the job's state says, taken up where it
     * was cut.  See result.mjs. */
    result(id, size, options) {
        return result(this, id, size, options);
    }
}
