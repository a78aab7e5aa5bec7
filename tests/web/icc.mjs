/* icc.mjs -- a colour profile for pictures of tests: sRGB's colours with
 * gamma 1, by which a decoder that converts colours changes every grey.
 */

const fixed = (x) => Math.round(x * 65536);

function tag(text, bytes) {
    const data = Buffer.alloc(bytes);

    data.write(text, 0, "latin1");
    return data;
}

function xyz(...values) {
    const data = tag("XYZ ", 20);

    values.forEach((v, i) => data.writeInt32BE(fixed(v), 8 + 4 * i));
    return data;
}

function text(words) {
    const data = tag("text", 8 + words.length + 1);

    data.write(words, 8, "latin1");
    return data;
}

function description(words) {
    const data = tag("desc", 12 + words.length + 1 + 78);

    data.writeUInt32BE(words.length + 1, 8);
    data.write(words, 12, "latin1");
    return data;
}

/* A curve without points: gamma 1. */
const LINE = tag("curv", 12);

export function linearProfile() {
    const tags = [["desc", description("linear")], ["cprt", text("none")],
        ["wtpt", xyz(0.9642, 1, 0.8249)],
        ["rXYZ", xyz(0.4360, 0.2225, 0.0139)],
        ["gXYZ", xyz(0.3851, 0.7169, 0.0971)],
        ["bXYZ", xyz(0.1431, 0.0606, 0.7141)],
        ["rTRC", LINE], ["gTRC", LINE], ["bTRC", LINE]];
    const head = Buffer.alloc(132 + 12 * tags.length);
    const parts = [head];
    let at = head.length;

    tags.forEach(([name, data], i) => {
        const padded = Buffer.concat([data, Buffer.alloc(-data.length & 3)]);
        head.write(name, 132 + 12 * i, "latin1");
        head.writeUInt32BE(at, 136 + 12 * i);
        head.writeUInt32BE(data.length, 140 + 12 * i);
        parts.push(padded);
        at += padded.length;
    });
    head.writeUInt32BE(at, 0);
    head.writeUInt32BE(0x02400000, 8);
    head.write("mntrRGB XYZ ", 12, "latin1");
    head.write("acsp", 36, "latin1");
    [0.9642, 1, 0.8249].forEach((v, i) =>
        head.writeInt32BE(fixed(v), 68 + 4 * i));
    head.writeUInt32BE(tags.length, 128);
    return Buffer.concat(parts);
}
