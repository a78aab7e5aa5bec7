/* Types of volley.mjs: the owner's side, by volley.wasm. */

/** Every failure: one line; status is its name, "CKKS_ERNG". */
export class VolleyError extends Error {
    status: string;
}

export interface Info {
    name: string;
    /** Bits: by the table, as estimated. */
    security: number;
    estimate: number;
    logN: number;
    real: boolean;
    /** Bytes of the file of evaluation keys, and at most. */
    keysBytes: number;
    keysAtMost: number;
    /** At most, of a set of images. */
    uploadBytes: number;
    downloadBytes: number;
    imagesASet: number;
    height: number;
    width: number;
    channels: number;
    border: "wrap" | "halo" | "zero" | "valid";
    /** Of several labels their names, the background's first. */
    labels: string[];
    /** Of one label its name, if the model says it. */
    foreground: string;
    /** Of a network of classes their names. */
    classes: string[];
    outChannels: number;
}

export interface Piece {
    bytes: Uint8Array;
    /** Bytes so far, of how many. */
    done: number;
    total: number;
}

export interface KeyPiece extends Piece {
    /** Where in the file. */
    at: number;
}

export interface Mask {
    width: number;
    height: number;
    /** A byte a pixel, row by row: 1 inside, or the label's number. */
    label: Uint8Array;
}

export interface Scores {
    class: number;
    name: string;
    score: number;
    /** With the noise of the ciphertext: for the owner's eyes only. */
    logits: Float64Array;
}

export interface Pixels {
    name?: string;
    height: number;
    width: number;
    /** 0 to 255, channel by channel, row by row. */
    data: ArrayLike<number>;
}

export interface ImageOptions {
    /** Average down images that are whole multiples of the model's. */
    fit?: boolean;
    first?: number;
    count?: number;
    /** Values of the file that are black and white. */
    window?: [number, number];
    values?: "full" | "percentiles" | [number, number];
}

export interface Image {
    name: string;
    height: number;
    width: number;
    /** The file the image is a slice of. */
    volume?: string;
}

/** One owner: a plan, a secret key, a request at a time. */
export class Volley {
    /** Refuses plans of less than 128 bits of security. */
    static open(wasm: BufferSource | WebAssembly.Module, options: {
        plan: string,
        /** Fills or throws; crypto.getRandomValues if not given. */
        random?: (out: Uint8Array) => void
    }): Promise<Volley>;
    info(): Info;
    readonly keysBytes: number;
    makeSecret(): void;
    /** The file of the secret key: for its owner only. */
    secret(): Uint8Array;
    loadSecret(bytes: Uint8Array): void;
    /** The file of evaluation keys in the order it is made, the piece at 0
     *  last. */
    keys(): Generator<KeyPiece>;
    /** A file as the user has it; the bytes must stay as they are. */
    addFile(name: string, bytes: Uint8Array): void;
    clearFiles(): void;
    /** The images that files and folders give, in the words of `volley
     *  encrypt`: FILE, FOLDER, FILE:slice=K. */
    images(names: string[], options?: ImageOptions): {
        images: Image[], warnings: string[] };
    /** Image i as the network sees it, a byte a pixel. */
    view(i: number): { width: number, height: number, grey: Uint8Array };
    addPixels(image: Pixels): void;
    clearPixels(): void;
    /** Bytes that encrypt will give. */
    encryptBytes(): number;
    encrypt(): Generator<Piece>;
    /** Recognises the result. */
    request(): Uint8Array;
    /** The whole result, held against the request. */
    decrypt(bytes: Uint8Array): void;
    mask(i: number): Mask;
    /** A file: .png and .pgm of image i, .nii and .nii.gz of its volume. */
    saveMask(name: string, i?: number): Uint8Array;
    scores(i: number): Scores;
    /** Bytes of the module's memory. */
    memory(): number;
    /** Wipes all; nothing can be called afterwards. */
    close(): void;
}
