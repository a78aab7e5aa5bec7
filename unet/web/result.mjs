/* result.mjs -- the result of a job, taken up where it was cut. */
import { cut, oneLine, strange } from "./errors.mjs";

/* Reads into state.all from state.have on; what came before a cut stays. */
async function fill(service, state, response, said, { signal, onpart }) {
    const { all } = state;
    const reader = response.body.getReader();

    for (; ;) {
        let step;
        try {
            step = await reader.read();
        } catch (e) {
            if (signal?.aborted)
                throw signal.reason;
            throw cut(service.base, oneLine(e.message, 80));
        }
        if (step.done)
            break;
        if (state.have + step.value.length > all.length) {
            reader.cancel().catch(() => {});
            throw strange(`a result of more than ${all.length} bytes`);
        }
        all.set(step.value, state.have);
        state.have += step.value.length;
        said.down += step.value.length;
        onpart(state.have);
    }
    if (state.have < all.length)
        throw cut(service.base, `${state.have} of ${all.length} bytes came`);
}

/* Where an answer to a request for the bytes from `asked` on begins. */
function begins(response, asked, size) {
    if (response.status !== 206)
        return 0;
    const range = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(
        response.headers.get("Content-Range") ?? `bytes ${asked}-0/${size}`);

    if (!range || Number(range[1]) !== asked || Number(range[3]) !== size)
        throw strange("another part of the result than was asked for");
    return asked;
}

/* One request for what is missing. */
async function part(service, id, state, options) {
    const path = `/v1/jobs/${id}/result`;
    const { have } = state;
    const t0 = performance.now();
    const said = { method: "GET", path, status: 0, up: 0, down: 0 };

    try {
        const r = await service.open("GET", path, {
            signal: options.signal,
            headers: have ? { Range: `bytes=${have}-` } : {}
        });
        said.status = r.status;
        if (!r.ok)
            throw await service.refusal(r, said, options.signal);
        state.have = begins(r, have, state.all.length);
        await fill(service, state, r, said, options);
    } finally {
        service.onbytes({ ...said, ms: performance.now() - t0 });
    }
}

/* All bytes; options: {signal, onpart(bytes so far)}. */
export async function result(service, id, size, options = {}) {
    const state = { all: new Uint8Array(size), have: 0 };
    let most = 0;               /* what comes again is no progress           */

    await service.persist((turn, alive) => part(service, id, state, {
        signal: options.signal,
        onpart: (have) => {
            if (have > most)
                alive();
            most = Math.max(most, have);
            options.onpart?.(have);
        }
    }), options.signal);
    return state.all;
}
