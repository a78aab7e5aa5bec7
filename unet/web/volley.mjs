/* volley.mjs -- the owner's side: images are encrypted here and results
 * decrypted here, in a browser's Worker or in node, by volley.wasm.
 *
 *   const v = await Volley.open(wasm, {plan});      // the server's plan, text
 *   v.makeSecret();                                 // or v.loadSecret(bytes)
 *   for (const {at, bytes} of v.keys()) ...         // to the server, once
 *   v.addFile("t1.nii.gz", bytes); v.images(["t1.nii.gz"]);
 *   for (const {bytes} of v.encrypt()) ...          // to the server
 *   v.decrypt(result);                              // what came back
 *   const {width, height, label} = v.mask(0);
 *
 * Every failure is an Error of one line; `status` has its name, "CKKS_ERNG".
 * After one the object is as it was before the call.
 */
import { Wasi } from "./wasi.mjs";

const STATUS = ["CKKS_OK", "CKKS_EARG", "CKKS_EPARAM", "CKKS_ECTX",
    "CKKS_ELEVEL", "CKKS_ESCALE", "CKKS_EKEY", "CKKS_EFORMAT", "CKKS_EMEM",
    "CKKS_ERNG", "CKKS_EIO"];
const BORDER = ["wrap", "halo", "zero", "valid"];
const TEXT = { name: 0, foreground: 1, label: 2, class: 3 };

/* Numbers of web_number, in the order of web_plan.c. */
const NUMBER = ["security", "logN", "keysAtMost", "uploadBytes",
    "downloadBytes", "imagesASet", "height", "width", "channels", "border",
    "labels", "classes", "outChannels", "real", "estimate"];

/* What messages call a result. */
const RESULT = "the result";

/* Numbers of values in web_images_open. */
const VALUES = { percentiles: 0, window: 1, full: 2 };

/* Where files of images and of masks lie; messages leave it out. */
const IMAGES = "/images/", MASKS = "/masks/";

export class VolleyError extends Error {
    constructor(message, status) {
        super(message);
        this.name = "VolleyError";
        this.status = status;
    }
}

export class Volley {
    /* wasm: bytes or a WebAssembly.Module.  plan: its text.  random(out):
     * fills a Uint8Array or throws; crypto.getRandomValues if none is given. */
    static async open(wasm, { plan, random } = {}) {
        const module = wasm instanceof WebAssembly.Module ? wasm
            : await WebAssembly.compile(wasm);
        const wasi = new Wasi({ random });
        const instance = await WebAssembly.instantiate(module,
            { wasi_snapshot_preview1: wasi.imports() });
        const v = new Volley(instance.exports, wasi);

        wasi.use(instance.exports.memory);
        instance.exports._initialize();
        v.send(new TextEncoder().encode(plan), (at, size) =>
            v.must(v.c.web_open(at, size)));
        return v;
    }

    constructor(exports, wasi) {
        this.c = exports;
        this.wasi = wasi;
    }

    /* ---- between the two memories ---------------------------------------- */

    /* A copy of size bytes at an address of the module. */
    copy(at, size) {
        return this.wasi.bytes(at, size).slice();
    }

    text(at) {
        const memory = new Uint8Array(this.c.memory.buffer);

        return this.wasi.text(at, memory.indexOf(0, at) - at);
    }

    must(status) {
        if (status !== 0)
            throw new VolleyError(this.said(this.c.web_error()),
                STATUS[status] ?? `status ${status}`);
    }

    /* What the library says, with names as the user gave them. */
    said(at) {
        return this.text(at).replaceAll(IMAGES, "").replaceAll(MASKS, "");
    }

    room(size) {
        const at = this.c.web_alloc(Math.max(size, 1));

        if (at === 0)
            throw new VolleyError(`no memory for ${size} bytes`, "CKKS_EMEM");
        return at;
    }

    /* act(address, size) with a copy of bytes in the module; wiped. */
    send(bytes, act) {
        const at = this.room(bytes.length);

        try {
            this.wasi.bytes(at, bytes.length).set(bytes);
            return act(at, bytes.length);
        } finally {
            this.wasi.bytes(at, bytes.length).fill(0);
            this.c.web_free(at);
        }
    }

    /* size bytes that fill(address, size) writes; wiped in the module. */
    receive(size, fill) {
        const at = this.room(size);

        try {
            fill(at, size);
            return this.copy(at, size);
        } finally {
            this.wasi.bytes(at, size).fill(0);
            this.c.web_free(at);
        }
    }

    path(name, act) {
        return this.send(new TextEncoder().encode(`${name}\0`), act);
    }

    /* Bytes of the module's memory, which only grows. */
    memory() {
        return this.c.memory.buffer.byteLength;
    }

    /* ---- the plan -------------------------------------------------------- */

    info() {
        const n = Object.fromEntries(NUMBER.map((name, i) =>
            [name, this.c.web_number(i)]));
        const texts = (what, count) => Array.from({ length: count },
            (_, i) => this.text(this.c.web_text(what, i)));

        return { ...n, name: texts(TEXT.name, 1)[0],
            border: BORDER[n.border], real: n.real === 1,
            foreground: texts(TEXT.foreground, 1)[0],
            labels: texts(TEXT.label, n.labels),
            classes: texts(TEXT.class, n.classes),
            keysBytes: this.keysBytes };
    }

    /* Bytes of the file of evaluation keys. */
    get keysBytes() {
        return this.c.web_keys_bytes();
    }

    /* Bytes that encrypt() will give for the images at hand. */
    encryptBytes() {
        return this.c.web_upload_bytes();
    }

    /* ---- keys ------------------------------------------------------------ */

    makeSecret() {
        this.must(this.c.web_secret_make());
    }

    /* The secret key's file: for its owner only. */
    secret() {
        return this.receive(this.c.web_secret_size(), (at, size) =>
            this.must(this.c.web_secret_save(at, size)));
    }

    loadSecret(bytes) {
        this.send(bytes, (at, size) =>
            this.must(this.c.web_secret_load(at, size)));
    }

    /* Pieces {at, bytes, done, total} of the file of evaluation keys as they
     * are made, a key each; the piece at 0 is the last.  The secret key must
     * stay; one run at a time: another one ends the one before. */
    *keys() {
        const { c } = this;
        const turn = this.turn = {};

        this.must(c.web_keys_begin());
        const total = c.web_keys_size(), head = c.web_keys_head_size();
        try {
            for (let at = head, size; (size = c.web_keys_next_size()) > 0;) {
                const bytes = this.receive(size, (to) =>
                    this.must(c.web_keys_next(to, size)));
                yield { at, bytes, done: at - head + size, total };
                if (this.turn !== turn)
                    throw new VolleyError("other keys were begun, or all is "
                        + "closed", "CKKS_EARG");
                at += size;
            }
            yield { at: 0, done: total, total, bytes: this.receive(head,
                (to) => this.must(c.web_keys_head(to, head))) };
        } finally {
            if (this.turn === turn && this.c !== null)
                c.web_keys_end();
        }
    }

    /* ---- images ---------------------------------------------------------- */

    /* A file as the user has it; name may hold folders.  The bytes are not
     * copied and must stay as they are. */
    addFile(name, bytes) {
        this.wasi.files.put(IMAGES + name, bytes);
    }

    clearFiles() {
        this.c.web_images_clear();
        this.wasi.files.clear();
    }

    /* The images that files and folders of them give, in the words of `volley
     * encrypt`: FILE, FOLDER, FILE:slice=K, FILE:volume=V.  fit, first, count
     * and window ([low, high]) as its options; values: "full" or
     * "percentiles", or [low, high] of these.  Gives {images: [{name, height,
     * width, volume}], warnings}; volume: the file the image is a slice of. */
    images(names, { fit = false, first = 0, count, window, values } = {}) {
        const words = names.map((n) => `${IMAGES}${n}\0`).join("");
        const rule = window ? [VALUES.window, ...window]
            : Array.isArray(values) ? [VALUES.percentiles, ...values]
            : [VALUES[values] ?? -1, 0, 0];

        this.send(new TextEncoder().encode(words), (at) =>
            this.must(this.c.web_images_open(at, names.length, fit ? 1 : 0,
                first, count ?? -1, ...rule)));
        return { images: Array.from({ length: this.c.web_images_count() },
            (_, i) => this.image(i)),
        warnings: this.said(this.c.web_images_said()).split("\n")
            .filter(Boolean) };
    }

    image(i) {
        const at = this.c.web_image_name(i);
        const name = at === 0 ? "" : this.said(at);

        this.c.web_free(at);
        return { name, height: this.c.web_image_height(i),
            width: this.c.web_image_width(i),
            volume: this.c.web_image_is_slice(i) ? name.replace(
                /(:volume=\d+)?(:slice=\d+)?$/, "") : undefined };
    }

    /* The numbers of image i as the network takes them, channel by channel. */
    pixels(i) {
        const at = this.c.web_image_pixels(i), { height, width } =
            this.image(i), n = this.info().channels * height * width;

        if (at === 0)
            throw new VolleyError(this.said(this.c.web_error()), "CKKS_EARG");
        return new Float64Array(this.c.memory.buffer, at, n).slice();
    }

    /* Image i as the network sees it, a byte a pixel, colours by their grey. */
    view(i) {
        const { height, width } = this.image(i);
        return { width, height, grey: this.receive(width * height, (at) =>
            this.must(this.c.web_image_view(at, i))) };
    }

    /* An image of pixels 0..255, channel by channel, row by row. */
    addPixels({ name = "", height, width, data }) {
        const { channels } = this.info();

        if (data.length !== channels * height * width)
            throw new VolleyError(`${name}: ${data.length} numbers, not `
                + `${channels} x ${height} x ${width}`, "CKKS_EARG");
        const at = this.c.web_pixels_add(height, width);
        if (at === 0) {
            const why = this.text(this.c.web_error());
            throw new VolleyError(why, why.startsWith("no memory")
                ? "CKKS_EMEM" : "CKKS_EARG");
        }
        new Float64Array(this.c.memory.buffer, at, data.length).set(data);
    }

    clearPixels() {
        this.c.web_pixels_clear();
    }

    /* ---- there and back -------------------------------------------------- */

    /* Pieces {bytes, done, total} of the file of ciphertexts in order, one
     * ciphertext each.  The images must stay; one run at a time. */
    *encrypt() {
        const { c } = this, total = this.encryptBytes();
        const turn = this.uploading = {};
        let done = 0;

        this.must(c.web_encrypt_begin());
        try {
            for (;;) {
                const bytes = this.copy(c.web_encrypt_bytes(),
                    c.web_encrypt_size());
                done += bytes.length;
                yield { bytes, done, total };
                if (this.uploading !== turn)
                    throw new VolleyError("another encryption was begun, or "
                        + "all is closed",
                        "CKKS_EARG");
                if (!c.web_encrypt_left())
                    break;
                this.must(c.web_encrypt_next());
            }
            if (done !== total)
                throw new VolleyError("images or the key have changed",
                    "CKKS_EARG");
        } finally {
            if (this.uploading === turn && this.c !== null)
                c.web_encrypt_end();
        }
    }

    /* What recognises the result, after all of encrypt(): bytes to keep if
     * the result comes another day.  They tell sizes of images, no pixel. */
    request() {
        const size = this.c.web_request_size();

        if (size === 0)
            throw new VolleyError("nothing was encrypted", "CKKS_EARG");
        return this.receive(size, (at) =>
            this.must(this.c.web_request_save(at, size)));
    }

    loadRequest(bytes) {
        this.send(bytes, (at, size) =>
            this.must(this.c.web_request_load(at, size)));
    }

    /* The whole result, held against the request.  Afterwards mask() or
     * scores() say what came out. */
    decrypt(bytes) {
        this.wasi.files.put(RESULT, bytes);
        try {
            this.path(RESULT, (at) => this.must(this.c.web_decrypt(at)));
        } finally {
            this.wasi.files.remove(RESULT);
        }
    }

    result(i) {
        if (!(i >= 0 && i < this.c.web_result_images()))
            throw new VolleyError(`there is no result ${i}`, "CKKS_EARG");
        return { height: this.c.web_result_height(i),
            width: this.c.web_result_width(i) };
    }

    /* {width, height, label}: a byte a pixel, 1 inside, or the label's
     * number. */
    mask(i) {
        const { height, width } = this.result(i);
        const at = this.c.web_mask(i);

        if (at === 0)
            throw new VolleyError("this network says classes, no mask",
                "CKKS_EARG");
        return { width, height, label: this.copy(at, height * width) };
    }

    /* The bytes of a file as `volley decrypt -o NAME` writes it: .png or .pgm
     * of image i, .nii or .nii.gz of the volume that image i is a slice of. */
    saveMask(name, i = 0) {
        const file = MASKS + name.replace(/^.*\//, "");

        this.path(file, (at) => this.must(this.c.web_mask_save(at, i)));
        const { bytes } = this.wasi.files.get(file);
        this.wasi.files.remove(file);
        return bytes.slice();
    }

    /* {class, name, score, logits} of a network of classes.  Logits carry the
     * noise of the ciphertext: for the owner's eyes only. */
    scores(i) {
        this.result(i);
        const at = this.c.web_logits(i);
        const { outChannels, classes } = this.info();

        if (at === 0)
            throw new VolleyError("this network says a mask, no class",
                "CKKS_EARG");
        const number = this.c.web_class(i);
        return { class: number, name: classes[number],
            score: this.c.web_class_score(i), logits:
            new Float64Array(this.c.memory.buffer, at, outChannels).slice() };
    }

    /* Wipes all and lets go of it; nothing can be called afterwards. */
    close() {
        if (this.c === null)
            return;
        new Uint8Array(this.c.memory.buffer).fill(0);
        this.wasi.files.clear();
        this.c = this.turn = this.uploading = null;
    }
}
