/* events.mjs -- the events of a job, read by fetch (an EventSource could send
 * no token), and taken up again after a cut.
 */
import { ServiceError, cut, oneLine, pause, strange, whole }
    from "./errors.mjs";

/* The server sends a comment every 15 s: after so long without a byte the
 * line is dead. */
const SILENCE_MS = 40e3;
const MOST_LINE = 1 << 16;
const STATES = ["queued", "running", "done", "failed"];

/* Server-sent events out of text in any parts: feed(text) gives those that
 * are complete, {event, data}. */
export class Lines {
    constructor() {
        this.rest = "";
        this.event = "";
        this.data = [];
    }

    feed(text) {
        const lines = (this.rest + text).split(/\r\n|\n|\r(?=[^\n])/);
        const events = [];

        this.rest = lines.pop();
        for (const line of lines) {
            this.length = (line === "" ? 0 : this.length ?? 0) + line.length;
            if (this.length > MOST_LINE)
                throw strange("an event of more than 64 KiB");
            if (line === "") {
                if (this.data.length > 0)
                    events.push({ event: this.event || "message",
                        data: this.data.join("\n") });
                this.event = "";
                this.data = [];
            } else {
                this.field(line);
            }
        }
        if (this.rest.length > MOST_LINE)
            throw strange("an event of more than 64 KiB");
        return events;
    }

    field(line) {
        const [, name, value] = /^([^:]*)(?::? ?)(.*)$/s.exec(line);

        if (name === "event")
            this.event = value;
        else if (name === "data")
            this.data.push(value);
    }
}

function part(value) {
    return Number.isFinite(value) ? Math.min(Math.max(value, 0), 1) : 0;
}

/* What a state or progress says, every field within its bounds. */
export function readState(s) {
    if (s === null || typeof s !== "object")
        throw strange("a job's state is no object");
    const number = (key, most) =>
        s[key] === undefined || s[key] === null ? null
            : whole(s[key], most, key);

    if (s.state !== undefined && !STATES.includes(s.state))
        throw strange(`a job is ${oneLine(JSON.stringify(s.state), 40)}`);
    return {
        state: s.state ?? "running", place: number("place", 1e6),
        set: number("set", 1e6), sets: number("sets", 1e6),
        layer: typeof s.layer === "string" ? oneLine(s.layer, 64) : "",
        done: part(s.done),
        left: Number.isFinite(s.left) && s.left >= 0 ? s.left : null,
        bytes: number("bytes", 2 ** 40),
        error: s.error ? oneLine(s.error) : "",
        way: s.do ? oneLine(s.do) : "", expires: number("expires", 2 ** 40)
    };
}

function parse(data) {
    try {
        return readState(JSON.parse(data));
    } catch (e) {
        throw e instanceof ServiceError ? e : strange("an event is no JSON");
    }
}

/* One stream of events, to its end: the last state, or an error. */
async function stream(service, id, { signal, onstate }) {
    const path = `/v1/jobs/${id}/events`;
    const t0 = performance.now();
    const said = { method: "GET", path, status: 0, up: 0, down: 0 };
    const silence = new AbortController();
    let timer;
    const heard = () => {
        clearTimeout(timer);
        timer = setTimeout(() => silence.abort(), SILENCE_MS);
    };

    heard();
    try {
        const all = signal ? AbortSignal.any([signal, silence.signal])
            : silence.signal;
        const r = await service.open("GET", path, { signal: all,
            span: 2 ** 31 - 1, headers: { Accept: "text/event-stream" } });
        said.status = r.status;
        if (!r.ok)
            throw await service.refusal(r, said, signal);
        return await read(r, (n) => {
            said.down += n;
            heard();
        }, onstate);
    } catch (e) {
        if (signal?.aborted)
            throw signal.reason;
        throw e instanceof ServiceError ? e : cut(service.base,
            silence.signal.aborted ? "nothing heard for 40 s"
                : oneLine(e.message, 80));
    } finally {
        clearTimeout(timer);
        service.onbytes({ ...said, ms: performance.now() - t0 });
    }
}

async function read(response, onbytes, onstate) {
    const reader = response.body.getReader();
    const text = new TextDecoder();
    const lines = new Lines();

    for (; ;) {
        const { done, value } = await reader.read();
        if (done)
            throw new Error("the events ended before the job");
        onbytes(value.length);
        for (const e of lines.feed(text.decode(value, { stream: true }))) {
            if (!["state", "progress", "end"].includes(e.event))
                continue;               /* of a later version                */
            const state = parse(e.data);
            onstate(state);
            if (e.event === "end") {
                reader.cancel().catch(() => {});
                return state;
            }
        }
    }
}

/* The last state of a job, which is "done"; a failed one is an error.
 * options: {signal, onstate(state) on every change} */
export async function follow(service, id, { signal, onstate = () => {} } = {}) {
    let heard = performance.now();
    const told = (state) => {
        heard = performance.now();
        onstate(state);
    };

    for (let turn = 0; ; turn++) {
        try {
            return judged(await stream(service, id, { signal,
                onstate: (s) => { turn = 0; told(s); } }));
        } catch (e) {
            if (!(e instanceof ServiceError) || !e.again
                || performance.now() - heard > service.patience)
                throw e;
            const ms = Math.min(service.first * 2 ** turn, 8000);
            service.onwait({ message: e.message, ms });
            await pause(ms, signal);
        }
    }
}

function judged(state) {
    if (state.state === "failed")
        throw new ServiceError(state.error
            || "The server could not compute this image.", state.way
            || "Start again; if it stays, tell whoever runs the server.");
    if (state.state !== "done")
        throw strange(`a job ended while ${state.state}`);
    whole(state.bytes, 2 ** 40, "the bytes of the result");
    return state;
}
