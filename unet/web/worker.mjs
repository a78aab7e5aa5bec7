/* worker.mjs -- the owner's side in a Worker: a call is a message {id, name,
 * args}, its answer {id, value} or {id, error}; what happens meanwhile is
 * {event}.  Buffers in answers are handed over, not copied.
 */
import { Owner } from "./owner.mjs";

const owner = new Owner((event) => postMessage({ event }));

/* What the page may call. */
const CALLS = ["connect", "choose", "take", "view", "makeKey", "keyFile",
    "openKey", "run", "stop", "mask", "scores", "file"];

function plain(e) {
    return { message: String(e.message), way: e.way ?? "Reload the page.",
        again: Boolean(e.again), status: e.status ?? 0,
        stopped: e.name === "AbortError" };
}

/* Buffers of their own that lie in the answer; never the WASM's memory. */
function buffers(value) {
    return Object.values(value ?? {}).filter((v) => v instanceof Uint8Array
        && v.byteLength === v.buffer.byteLength).map((v) => v.buffer);
}

onmessage = async ({ data: { id, name, args } }) => {
    try {
        if (!CALLS.includes(name))
            throw new Error(`no call ${name}`);
        const value = await owner[name](...args);
        const kept = name === "file" || name === "keyFile";
        postMessage({ id, value }, kept ? [] : buffers(value));
    } catch (e) {
        postMessage({ id, error: plain(e) });
    }
};
