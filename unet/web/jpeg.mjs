/* jpeg.mjs -- JPEG by the browser's decoder, as the command has it from
 * libjpeg: no colour conversion, no turning by EXIF, for which segments that
 * ask for them are left out (browsers cannot be told not to turn); the pixels
 * go on as PGM or PPM.  Other files pass unchanged.
 *
 * Greys of the browser's decoder are within 1 of libjpeg's (its inverse
 * transform may round otherwise).
 */

/* A stored colour that is grey but for JPEG's rounding. */
const APART = 2;
const SIDE = 16384, PIXELS = 1 << 24;
const SCAN = 0xda;

function isJpeg(bytes) {
    return bytes[0] === 0xff && bytes[1] === 0xd8 && bytes[2] === 0xff;
}

/* The segments before the pixels: [marker, from, to). */
function* segments(bytes) {
    for (let at = 2; at + 4 <= bytes.length;) {
        const marker = bytes[at + 1];
        const end = at + 2 + (bytes[at + 2] << 8 | bytes[at + 3]);

        if (bytes[at] !== 0xff || marker === SCAN)
            return;
        if (marker === 0xff) {          /* filling                           */
            at++;
            continue;
        }
        yield [marker, at, Math.min(end, bytes.length)];
        at = end;
    }
}

function isFrame(marker) {
    return marker >= 0xc0 && marker <= 0xcf
        && ![0xc4, 0xc8, 0xcc].includes(marker);
}

/* {height, width, channels} of the frame's header, or null. */
function frame(bytes) {
    for (const [marker, at, end] of segments(bytes))
        if (isFrame(marker) && end - at >= 10)
            return { height: bytes[at + 5] << 8 | bytes[at + 6],
                width: bytes[at + 7] << 8 | bytes[at + 8],
                channels: bytes[at + 9] };
    return null;
}

/* Without applications' segments but JFIF's and Adobe's, by which decoders
 * know what the components are. */
export function bare(bytes) {
    const parts = [bytes.subarray(0, 2)];
    let last = 2;

    for (const [marker, at, end] of segments(bytes)) {
        const drop = marker >= 0xe1 && marker <= 0xef && marker !== 0xee;
        if (!drop)
            parts.push(bytes.subarray(at, end));
        last = end;
    }
    return new Blob([...parts, bytes.subarray(last)], { type: "image/jpeg" });
}

function check(name, bytes) {
    const f = frame(bytes);

    if (f === null)
        throw new Error(`${name}: JPEG: no frame before the end`);
    if (f.channels !== 1 && f.channels !== 3)
        throw new Error(`${name}: JPEG of ${f.channels} components, 1 and 3 `
            + "are taken");
    if (f.height < 1 || f.width < 1 || f.height > SIDE || f.width > SIDE
        || f.height * f.width > PIXELS)
        throw new Error(`${name}: an image of ${f.height} x ${f.width} `
            + `pixels, want 1..${SIDE} a side and at most ${PIXELS}`);
    if (bytes.at(-2) !== 0xff || bytes.at(-1) !== 0xd9)
        throw new Error(`${name}: JPEG: cut short, or bytes behind the end `
            + "of the image; save it anew");
    return f;
}

/* Browsers that disturb what a page reads of a canvas, against tracking, do
 * so with any picture: one of known colours shows it. */
function faithful() {
    const side = 16;
    const context = new OffscreenCanvas(side, side).getContext("2d",
        { willReadFrequently: true });
    const data = context.createImageData(side, side);

    data.data.forEach((_, i) => {
        data.data[i] = i % 4 === 3 ? 255 : (i * 37 + (i >> 4)) & 255;
    });
    context.putImageData(data, 0, 0);
    const back = context.getImageData(0, 0, side, side).data;
    return back.every((v, i) => v === data.data[i]);
}

async function decode(name, bytes, { height, width }) {
    let bitmap;

    try {
        bitmap = await createImageBitmap(bare(bytes),
            { colorSpaceConversion: "none", premultiplyAlpha: "none" });
    } catch {
        throw new Error(`${name}: the browser cannot read this JPEG`);
    }
    if (bitmap.width !== width || bitmap.height !== height)
        throw new Error(`${name}: JPEG of ${height} x ${width} pixels came `
            + `out as ${bitmap.height} x ${bitmap.width}`);
    const context = new OffscreenCanvas(width, height).getContext("2d",
        { willReadFrequently: true });
    context.drawImage(bitmap, 0, 0);
    bitmap.close();
    return context.getImageData(0, 0, width, height).data;
}

/* The channels of RGBA in one PGM (grey) or PPM. */
export function pnm(rgba, height, width, grey) {
    const head = new TextEncoder().encode(
        `P${grey ? 5 : 6}\n${width} ${height}\n255\n`);
    const n = height * width, channels = grey ? 1 : 3;
    const out = new Uint8Array(head.length + n * channels);

    out.set(head);
    for (let i = 0, at = head.length; i < n; i++) {
        const [r, g, b] = [rgba[4 * i], rgba[4 * i + 1], rgba[4 * i + 2]];
        if (grey) {
            out[at++] = r === g && g === b ? r
                : Math.round(0.299 * r + 0.587 * g + 0.114 * b);
        } else {
            out[at++] = r;
            out[at++] = g;
            out[at++] = b;
        }
    }
    return out;
}

export function isGrey(rgba) {
    for (let i = 0; i < rgba.length; i += 4) {
        const [r, g, b] = [rgba[i], rgba[i + 1], rgba[i + 2]];
        if (Math.max(r, g, b) - Math.min(r, g, b) > APART)
            return false;
    }
    return true;
}

/* Bytes as the readers of the WASM take them; channels: the model's. */
export async function picture(name, bytes, channels) {
    if (!isJpeg(bytes))
        return bytes;
    const f = check(name, bytes);
    if (!faithful())
        throw new Error(`${name}: this browser disturbs what pages read of `
            + "pictures (protection against tracking); save it as PNG");
    const rgba = await decode(name, bytes, f);

    return pnm(rgba, f.height, f.width,
        f.channels === 1 || (channels === 1 && isGrey(rgba)));
}
