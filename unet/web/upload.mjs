/* upload.mjs -- bytes to the server in numbered pieces, each a request of
 * its own, taken up again after a cut.
 *
 * A piece is held until the server has said that it is on its disk, then
 * freed: what cannot be made a second time (evaluation keys) is never lost
 * by a cut, and memory stays at a few pieces whatever the size.
 */
import { ServiceError, isId, strange, whole } from "./errors.mjs";

/* Requests under way at a time: while one waits for the disk, one sends. */
const FLIGHT = 2;
const MOST_PIECE = 64 << 20;
/* The server names so many missing pieces at most. */
const MISSING = 1000;

/* Chunks {at, bytes} in any order become whole pieces. */
export class Pieces {
    constructor(bytes, pieceBytes) {
        this.bytes = bytes;
        this.pieceBytes = pieceBytes;
        this.open = new Map();          /* K -> {data, left}                 */
        this.end = 0;                   /* where a chunk without `at` goes   */
    }

    size(k) {
        return Math.min(this.pieceBytes, this.bytes - k * this.pieceBytes);
    }

    /* Takes a chunk; gives the pieces [k, data] it made whole. */
    add({ at = this.end, bytes }) {
        const whole = [];

        if (at + bytes.length > this.bytes)
            throw new RangeError(`bytes ${at} to ${at + bytes.length} of `
                + `${this.bytes}`);
        for (let i = 0; i < bytes.length;) {
            const k = Math.floor((at + i) / this.pieceBytes);
            const from = at + i - k * this.pieceBytes;
            const n = Math.min(this.size(k) - from, bytes.length - i);
            if (!this.open.has(k))
                this.open.set(k, { data: new Uint8Array(this.size(k)),
                    left: this.size(k) });
            const piece = this.open.get(k);
            piece.data.set(bytes.subarray(i, i + n), from);
            piece.left -= n;
            if (piece.left === 0) {
                whole.push([k, piece.data]);
                this.open.delete(k);
            }
            i += n;
        }
        this.end = at + bytes.length;
        return whole;
    }
}

async function digest(data) {
    const subtle = globalThis.crypto?.subtle;   /* none over plain http      */

    if (!subtle)
        return {};
    const hash = new Uint8Array(await subtle.digest("SHA-256", data));
    return { "Content-Digest":
        `sha-256=:${btoa(String.fromCharCode(...hash))}:` };
}

export class Upload {
    constructor(service, what, bytes, source) {
        this.service = service;
        this.what = what;
        this.bytes = bytes;
        this.source = source[Symbol.asyncIterator]?.()
            ?? source[Symbol.iterator]();
        this.id = null;
        this.held = new Map();          /* K -> data: whole, not yet there   */
        this.stored = 0;                /* bytes the server has              */
        this.dry = false;               /* the source has ended              */
    }

    /* Bytes in memory: pieces being filled and pieces on their way. */
    get waiting() {
        let n = 0;

        for (const data of this.held.values())
            n += data.length;
        for (const piece of this.pieces?.open.values() ?? [])
            n += piece.data.length;
        return n;
    }

    /* Sends all and finishes: {keys, expires} or {job, place}.  After an
     * error whose `again` is true, call it once more: it goes on.
     * onpart({stored, bytes, waiting}). */
    async run({ signal, onpart = () => {} } = {}) {
        this.signal = signal;
        this.onpart = onpart;
        if (this.id === null)
            await this.begin();
        await this.sendAll();
        return this.finish();
    }

    async begin() {
        const a = await this.service.json("POST", "/v1/uploads",
            { send: { ...this.what, bytes: this.bytes },
                signal: this.signal });
        const size = whole(a.piece_bytes, MOST_PIECE, "piece_bytes");

        if (!isId(a.upload) || size === 0
            || a.pieces !== Math.ceil(this.bytes / size))
            throw strange(`an upload of ${a.pieces} pieces of ${size} bytes `
                + `for ${this.bytes} bytes`);
        this.id = a.upload;
        this.pieces = new Pieces(this.bytes, size);
    }

    /* The next whole piece: one that a cut left, or a new one; null: none. */
    async next(flying) {
        for (const [k, data] of this.held)
            if (!flying.has(k))
                return [k, data];
        while (!this.dry) {
            const { done, value } = await this.source.next();
            this.dry = done;
            const whole = done ? [] : this.pieces.add(value);
            for (const [k, data] of whole)
                this.held.set(k, data);
            if (whole.length > 0)
                return whole[0];
        }
        return null;
    }

    async sendAll() {
        const flying = new Map();       /* K -> promise                      */
        let failure = null;

        while (failure === null) {
            const piece = await this.next(flying).catch((e) => {
                failure = e;
                return null;
            });
            if (piece === null)
                break;
            const [k, data] = piece;
            flying.set(k, this.send(k, data).catch((e) => {
                failure ??= e;
            }).finally(() => flying.delete(k)));
            if (flying.size >= FLIGHT)
                await Promise.race(flying.values());
        }
        await Promise.all(flying.values());
        if (failure !== null)
            throw failure;
    }

    /* Sends piece k until the server has it. */
    async send(k, data) {
        const headers = await digest(data);

        await this.service.persist(async (turn) => {
            if (turn > 0 && await this.has(k))
                return;
            await this.service.once("PUT", `/v1/uploads/${this.id}/${k}`,
                { send: data, headers, signal: this.signal });
        }, this.signal);
        this.held.delete(k);
        this.stored += data.length;
        this.onpart({ stored: this.stored, bytes: this.bytes,
            waiting: this.waiting });
    }

    /* Whether piece k arrived before a cut took the answer; false also if
     * the list does not reach to k: then it is sent again, which is fine. */
    async has(k) {
        const { bytes } = await this.service.once("GET",
            `/v1/uploads/${this.id}`, { signal: this.signal });
        const { missing } = JSON.parse(new TextDecoder().decode(bytes));

        if (!Array.isArray(missing) || missing.length > MISSING)
            throw strange("missing is no list of at most 1000 pieces");
        return !missing.includes(k)
            && (missing.length < MISSING || k < missing.at(-1));
    }

    async finish() {
        const path = `/v1/uploads/${this.id}/finish`;
        const a = await this.service.persist(async () => {
            try {
                return await this.service.json("POST", path,
                    { signal: this.signal });
            } catch (e) {
                throw e.status === 409 ? this.unfinished(e) : e;
            }
        }, this.signal);

        if (!isId(a[this.what.kind === "keys" ? "keys" : "job"]))
            throw strange("an upload was finished without an id");
        return a;
    }

    /* Why an upload of which all was confirmed cannot be finished: a request
     * that was cut has not ended at the server, or pieces are lost. */
    unfinished(e) {
        if (!e.missing?.length)
            return Object.assign(e, { again: true });
        return new ServiceError(`The server lost ${e.missing.length} pieces `
            + "that it had confirmed.", "Start again; if it stays, tell "
            + "whoever runs the server.");
    }

    /* Best effort: the server forgets it after a time anyway. */
    async abandon() {
        this.held.clear();
        this.source.return?.();
        if (this.id !== null)
            await this.service.drop("uploads", this.id).catch(() => {});
    }
}
