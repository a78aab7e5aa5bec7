/* files.mjs -- the files a user chose as the paths the readers see.
 *
 * A folder stays one, since a DICOM series is a folder; several files that
 * are all DICOM are taken for a series; the pixels (.img) of a pair come with
 * their header (.hdr) and are not named.
 */

/* Most bytes in memory: what the browser gives a WASM is 4 GiB. */
const MOST = 2 ** 31;

function pathOf({ path }) {
    return path.split("/").filter((part) =>
        part && part !== "." && part !== "..").join("/");
}

function dicomName(path) {
    return /\.(dcm|dicom|ima)$/i.test(path) || !/\.\w+$/.test(path)
        || /\/?[\d.]+$/.test(path);
}

/* {all: [{path, file}], names: what the network is asked for} */
export function arrange(files) {
    let all = [...files].map((file) => ({ path: pathOf(file), file }))
        .filter(({ path }) => !/(^|\/)(\.|Thumbs\.db$|DICOMDIR$)/.test(path));
    const size = all.reduce((n, { file }) =>
        n + (file.size ?? file.bytes.length), 0);

    if (all.length === 0)
        throw new Error("There is no file among what was chosen.");
    if (size > MOST)
        throw new Error(`${Math.round(size / 1e6)} MB are more than the `
            + `${Math.round(MOST / 1e6)} MB a page can hold.`);
    all.sort((a, b) => a.path.localeCompare(b.path, "en", { numeric: true }));
    if (all.length > 1 && all.every(({ path }) => !path.includes("/")
        && dicomName(path)))
        all = all.map(({ path, file }) => ({ path: `series/${path}`, file }));
    return { all, names: [...new Set(all.map(nameOf(all)))] };
}

/* What a file is asked for by: its folder, its header, itself. */
function nameOf(all) {
    const there = new Set(all.map(({ path }) => path));

    return ({ path }) => {
        const hdr = path.replace(/\.img(\.gz)?$/i, ".hdr");

        if (path.includes("/"))
            return path.slice(0, path.lastIndexOf("/"));
        if (hdr !== path && (there.has(hdr) || there.has(`${hdr}.gz`)))
            return there.has(hdr) ? hdr : `${hdr}.gz`;
        return path;
    };
}
