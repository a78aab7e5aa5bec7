/* formats.mjs -- small files of images for tests: PNG, IDX, DICOM. */
import zlib from "node:zlib";

function crc(bytes) {
    let c = 0xffffffff;

    for (const b of bytes) {
        c ^= b;
        for (let k = 0; k < 8; k++)
            c = c & 1 ? c >>> 1 ^ 0xedb88320 : c >>> 1;
    }
    return (c ^ 0xffffffff) >>> 0;
}

function chunk(name, data) {
    const body = Buffer.concat([Buffer.from(name, "latin1"), data]);
    const out = Buffer.alloc(body.length + 8);

    out.writeUInt32BE(data.length, 0);
    body.copy(out, 4);
    out.writeUInt32BE(crc(body), body.length + 4);
    return out;
}

/* Grey, 8 bits, rows as they are (filter 0). */
export function png(pixels, height, width) {
    const head = Buffer.alloc(13);
    const rows = Buffer.alloc(height * (width + 1));

    head.writeUInt32BE(width, 0);
    head.writeUInt32BE(height, 4);
    head[8] = 8;
    for (let y = 0; y < height; y++)
        rows.set(pixels.subarray(y * width, (y + 1) * width),
            y * (width + 1) + 1);
    return Buffer.concat([Buffer.from("89504e470d0a1a0a", "hex"),
        chunk("IHDR", head), chunk("IDAT", zlib.deflateSync(rows)),
        chunk("IEND", Buffer.alloc(0))]);
}

export function idx(images, height, width) {
    const head = Buffer.alloc(16);

    [0x803, images.length, height, width].forEach((n, i) =>
        head.writeUInt32BE(n, 4 * i));
    return Buffer.concat([head, ...images]);
}

function element(group, tag, vr, value) {
    const long = vr === "OW";
    const data = typeof value === "string"
        ? Buffer.from(value.length % 2 ? value + (vr === "UI" ? "\0" : " ")
            : value, "latin1") : value;
    const head = Buffer.alloc(long ? 12 : 8);

    head.writeUInt16LE(group, 0);
    head.writeUInt16LE(tag, 2);
    head.write(vr, 4, "latin1");
    if (long)
        head.writeUInt32LE(data.length, 8);
    else
        head.writeUInt16LE(data.length, 6);
    return Buffer.concat([head, data]);
}

function us(n) {
    const b = Buffer.alloc(2);

    b.writeUInt16LE(n);
    return b;
}

/* One slice of a series at z mm, 16 bits of which 12 are used; explicit
 * little endian. */
export function dicom(pixels, height, width, [dx, dy], z, number) {
    const words = Buffer.alloc(2 * pixels.length);
    const meta = element(2, 0x10, "UI", "1.2.840.10008.1.2.1");
    const size = Buffer.alloc(4);

    pixels.forEach((v, i) => words.writeUInt16LE(v, 2 * i));
    size.writeUInt32LE(meta.length);
    return Buffer.concat([Buffer.alloc(128), Buffer.from("DICM"),
        element(2, 0, "UL", size), meta,
        element(8, 0x16, "UI", "1.2.840.10008.5.1.4.1.1.4"),
        element(8, 0x18, "UI", `1.2.3.4.${number}`),
        element(8, 0x60, "CS", "MR"),
        element(0x20, 0x0d, "UI", "1.2.3"),
        element(0x20, 0x0e, "UI", "1.2.3.4"),
        element(0x20, 0x13, "IS", String(number)),
        element(0x20, 0x32, "DS", `0\\0\\${z}`),
        element(0x20, 0x37, "DS", "1\\0\\0\\0\\1\\0"),
        element(0x20, 0x52, "UI", "1.2.5"),
        element(0x28, 0x02, "US", us(1)),
        element(0x28, 0x04, "CS", "MONOCHROME2"),
        element(0x28, 0x10, "US", us(height)),
        element(0x28, 0x11, "US", us(width)),
        element(0x28, 0x30, "DS", `${dy}\\${dx}`),
        element(0x28, 0x100, "US", us(16)),
        element(0x28, 0x101, "US", us(12)),
        element(0x28, 0x102, "US", us(11)),
        element(0x28, 0x103, "US", us(0)),
        element(0x7fe0, 0x10, "OW", words)]);
}
