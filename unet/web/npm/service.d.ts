/* Types of service.mjs: the client of `volley serve`. */

/** What went wrong, in the user's words. */
export class ServiceError extends Error {
    /** What to do about it. */
    way: string;
    /** Of HTTP; 0: no answer came. */
    status: number;
    /** The same may work later. */
    again: boolean;
}

export interface Model {
    name: string;
    /** Fingerprint of the plan. */
    plan: string;
    planBytes: number;
    keysBytes: number;
    /** Bytes of a set of images, up and down. */
    uploadBytes: number;
    downloadBytes: number;
    imagesASet: number;
    /** Of a set, predicted. */
    seconds: number | null;
}

export interface RequestSaid {
    method: string;
    path: string;
    /** 0: cut. */
    status: number;
    /** Bytes of bodies. */
    up: number;
    down: number;
    ms: number;
}

export interface JobState {
    state: "queued" | "running" | "done" | "failed";
    place: number | null;
    set: number | null;
    sets: number | null;
    layer: string;
    /** 0 to 1. */
    done: number;
    /** Seconds. */
    left: number | null;
    /** Of the result. */
    bytes: number | null;
    error: string;
    way: string;
    expires: number | null;
}

/** Bytes and where they go; without `at` behind those before. */
export interface Chunk {
    at?: number;
    bytes: Uint8Array;
}

export interface UploadPart {
    /** Bytes the server has confirmed, of how many. */
    stored: number;
    bytes: number;
    /** Bytes held in memory. */
    waiting: number;
}

export type UploadKind =
    { kind: "keys", model: string } | { kind: "job", keys: string };

/** Bytes in numbered pieces, each held until the server has it. */
export class Upload {
    /** Bytes, and those the server has. */
    readonly bytes: number;
    readonly stored: number;
    /** To the end.  After an error whose `again` is true, call it again: it
     *  goes on where it was. */
    run(options?: {
        signal?: AbortSignal,
        onpart?: (part: UploadPart) => void
    }): Promise<{ keys?: string, job?: string, place?: number,
        expires?: number }>;
    /** Gives up; the server forgets the pieces. */
    abandon(): Promise<void>;
}

export interface ServiceOptions {
    token?: string;
    /** Hears of every request. */
    onbytes?: (said: RequestSaid) => void;
    /** Hears of pauses after cuts. */
    onwait?: (wait: { message: string, ms: number }) => void;
    fetch?: typeof globalThis.fetch;
    /** The first pause after a cut, ms; doubled each time. */
    first?: number;
    /** How long cuts are sat out, ms. */
    patience?: number;
}

export class Service {
    constructor(base: string, options?: ServiceOptions);
    models(signal?: AbortSignal): Promise<Model[]>;
    /** The plan's text, for Volley.open. */
    plan(name: string, signal?: AbortSignal): Promise<string>;
    upload(what: UploadKind, bytes: number,
        source: Iterable<Chunk> | AsyncIterable<Chunk>): Upload;
    /** null: the server has no such keys. */
    keys(id: string, signal?: AbortSignal): Promise<{ model: string,
        bytes: number, expires: number } | null>;
    /** To the end of the job; a failed one is a ServiceError. */
    follow(job: string, options?: {
        signal?: AbortSignal, onstate?: (state: JobState) => void
    }): Promise<JobState>;
    /** size: `bytes` of the state that follow gave. */
    result(job: string, size: number, options?: {
        signal?: AbortSignal, onpart?: (bytes: number) => void
    }): Promise<Uint8Array>;
    drop(kind: "uploads" | "keys" | "jobs", id: string): Promise<void>;
}
