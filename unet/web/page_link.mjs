/* page_link.mjs -- the page's end of worker.mjs: calls and events.
 *
 * In the one-file page Worker and WASM stand in the document, in base64.
 */

/* A call that failed: message, way, again, status, stopped (worker.mjs). */
export class OwnerError extends Error {
    constructor(said) {
        super(said.message);
        Object.assign(this, said);
    }
}

/* The bytes of a part in the document, or null in the page of a server. */
export function part(name) {
    const text = document.getElementById(`part-${name}`)?.textContent;

    return text === undefined ? null
        : Uint8Array.from(atob(text.trim()), (c) => c.charCodeAt(0));
}

function start() {
    const code = part("worker");

    if (code === null)
        return new Worker("worker.mjs", { type: "module" });
    const url = URL.createObjectURL(new Blob([code],
        { type: "text/javascript" }));
    return new Worker(url);             /* from file:// modules do not start */
}

export class Link {
    constructor(onevent) {
        this.waiting = new Map();
        this.last = 0;
        this.dead = null;               /* why calls have no answer          */
        this.worker = start();
        this.worker.onerror = (e) => this.end(e.message ?? "did not start");
        this.worker.onmessage = ({ data }) => {
            if (data.event)
                onevent(data.event);
            else
                this.answer(data);
        };
    }

    end(reason) {
        this.dead = { message: "The part of the page that computes has "
            + `stopped: ${reason}.`, way: "Reload the page; a saved key file "
            + "still opens what it opened." };
        for (const { fail } of this.waiting.values())
            fail(new OwnerError(this.dead));
        this.waiting.clear();
    }

    answer({ id, value, error }) {
        const { done, fail } = this.waiting.get(id);

        this.waiting.delete(id);
        if (error)
            fail(new OwnerError(error));
        else
            done(value);
    }

    call(name, ...args) {
        const id = ++this.last;

        if (this.dead)
            return Promise.reject(new OwnerError(this.dead));
        return new Promise((done, fail) => {
            this.waiting.set(id, { done, fail });
            this.worker.postMessage({ id, name, args });
        });
    }
}
