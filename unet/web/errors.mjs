/* errors.mjs -- what may go wrong between owner and server, in the user's
 * words, and the bounds of what a server says.
 */

/* What went wrong, in the user's words; `way` says what to do about it.
 *   status  of HTTP, or 0: no answer came
 *   again   the same may work later (a cut, a full queue) */
export class ServiceError extends Error {
    constructor(message, way, { status = 0, again = false, after = 0 } = {}) {
        super(message);
        this.name = "ServiceError";
        this.way = way;
        this.status = status;
        this.again = again;
        this.after = after;
    }
}

export function isId(text) {
    return typeof text === "string" && /^[0-9a-f]{32}$/.test(text);
}

/* A whole number in 0..most, or a ServiceError that names it. */
export function whole(value, most, name) {
    if (!Number.isSafeInteger(value) || value < 0 || value > most)
        throw strange(`${name} is ${JSON.stringify(value) ?? "missing"}, `
            + `whole numbers from 0 to ${most} are taken`);
    return value;
}

export function strange(what) {
    return new ServiceError(`The server's answer makes no sense: ${what}.`,
        "Tell whoever runs the server; its program may be another version.");
}

export function cut(where, reason) {
    return new ServiceError(`The connection to ${where} was lost or could not `
        + `be made (${reason}).`, "Check the network and that the server is "
        + "running, then continue; what has arrived is not sent again.",
        { again: true });
}

/* A line from outside: without controls, cut to a length one can read. */
export function oneLine(text, most = 400) {
    return String(text).replace(/[\x00-\x1f\x7f]+/g, " ").trim()
        .slice(0, most);
}

const WAYS = {
    400: "Reload the page; if it stays, tell whoever runs the server.",
    401: "Enter the access token that whoever runs the server gave you.",
    403: "Ask whoever runs the server to allow this page's origin.",
    404: "It has expired or was removed: start again.",
    409: "Start again.",
    413: "Choose fewer or smaller images.",
    422: "Start again; if it stays, tell whoever runs the server.",
    429: "The server is busy: wait a little, then continue.",
    503: "The server is busy: wait a little, then continue.",
    507: "The server's disk is full: tell whoever runs it, then continue."
};

/* Answers after which the same request may succeed. */
const AGAIN = new Set([408, 429, 500, 502, 503, 504, 507]);

/* What an answer of another status than 2xx says. */
export function refused({ status, headers }, bytes) {
    const after = Number(headers.get("Retry-After")) || 0;
    let said = {};

    try {
        said = JSON.parse(new TextDecoder().decode(bytes)) ?? {};
    } catch { /* not ours: a proxy's page, say */ }
    const line = typeof said.error === "string" ? oneLine(said.error)
        : `The server answered ${status}.`;
    const way = typeof said.do === "string" ? oneLine(said.do)
        : WAYS[status] ?? "Try again later.";
    const e = new ServiceError(line, way,
        { status, again: AGAIN.has(status), after });
    if (Array.isArray(said.missing))
        e.missing = said.missing;
    return e;
}

/* Waits, or throws as soon as the signal aborts. */
export function pause(ms, signal) {
    return new Promise((done, fail) => {
        const stop = () => {
            clearTimeout(timer);
            fail(signal.reason);
        };
        const timer = setTimeout(() => {
            signal?.removeEventListener("abort", stop);
            done();
        }, ms);
        if (signal?.aborted)
            stop();
        else
            signal?.addEventListener("abort", stop, { once: true });
    });
}
