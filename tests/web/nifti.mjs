/* nifti.mjs -- a small NIfTI-1 volume for tests, and reading one back. */
import zlib from "node:zlib";

const HEAD = 352;

/* slices: bytes (height x width) each, lying on each other; spacing: mm along
 * columns, rows, slices.  Gzipped.  The first axis goes to the right, the
 * second to the back, rows of a picture. */
export function volume(slices, height, width, spacing) {
    const head = Buffer.alloc(HEAD);
    const [x, y, z] = spacing;

    head.writeInt32LE(348, 0);
    [3, width, height, slices.length, 1, 1, 1, 1].forEach((n, i) =>
        head.writeInt16LE(n, 40 + 2 * i));
    head.writeInt16LE(2, 70);                   /* uint8                     */
    head.writeInt16LE(8, 72);
    [1, x, y, z].forEach((s, i) => head.writeFloatLE(s, 76 + 4 * i));
    head.writeFloatLE(HEAD, 108);
    head.writeFloatLE(1, 112);                  /* slope                     */
    head[123] = 2;                              /* mm                        */
    head.writeInt16LE(1, 254);                  /* sform: the scanner's      */
    [[-x, 0, 0, 0], [0, -y, 0, 0], [0, 0, z, 0]].forEach((row, i) =>
        row.forEach((v, k) => head.writeFloatLE(v, 280 + 16 * i + 4 * k)));
    head.write("n+1\0", 344, "latin1");
    return zlib.gzipSync(Buffer.concat([head, ...slices]));
}

/* {head, voxels} of a .nii.gz of bytes. */
export function open(bytes) {
    const all = zlib.gunzipSync(bytes);
    const at = all.readFloatLE(108);

    return { head: all.subarray(0, 348), voxels: all.subarray(at) };
}
