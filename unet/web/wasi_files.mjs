/* wasi_files.mjs -- files and folders in memory, for wasi.mjs.
 *
 * A folder is there as soon as a file lies in it.  Bytes that are put in are
 * not copied, and not changed: writing to such a file copies them first.
 */
export const FOLDER = 3, REGULAR = 4;   /* file types of WASI                */

const ENTRY = 24;                       /* bytes before a name, fd_readdir   */
let count = 0;

class File {
    constructor(bytes) {
        this.type = REGULAR;
        this.number = ++count;
        this.data = bytes;
        this.size = bytes.length;
        this.own = false;               /* data is ours, with room behind    */
    }

    get bytes() {
        return this.data.subarray(0, this.size);
    }

    truncate() {
        this.data = new Uint8Array();
        this.size = 0;
        this.own = true;
    }

    read(out, at) {
        const size = Math.max(0, Math.min(out.length, this.size - at));

        out.set(this.data.subarray(at, at + size));
        return size;
    }

    write(bytes, at) {
        const end = at + bytes.length;

        if (!this.own || end > this.data.length) {
            const more = new Uint8Array(Math.max(end,
                Math.min(2 * this.size, this.size + (1 << 24))));
            more.set(this.bytes);
            this.data = more;
            this.own = true;
        }
        this.data.set(bytes, at);
        this.size = Math.max(this.size, end);
    }
}

class Folder {
    constructor(names) {
        this.type = FOLDER;
        this.number = ++count;
        this.size = 0;
        this.names = names;             /* [name, type], in order            */
    }

    /* As fd_readdir gives them. */
    *entries(name, from) {
        for (let i = from; i < this.names.length; i++) {
            const text = new TextEncoder().encode(this.names[i][0]);
            const entry = new Uint8Array(ENTRY + text.length);
            const view = new DataView(entry.buffer);

            view.setBigUint64(0, BigInt(i + 1), true);
            view.setBigUint64(8, BigInt(i + 1), true);
            view.setUint32(16, text.length, true);
            view.setUint8(20, this.names[i][1]);
            entry.set(text, ENTRY);
            yield entry;
        }
    }
}

export class Files {
    constructor() {
        this.map = new Map();           /* path -> File                      */
    }

    /* "/a/b" of any way to write it; nothing lies above the root. */
    path(name) {
        const parts = [];

        for (const part of name.split("/"))
            if (part === "..")
                parts.pop();
            else if (part !== "" && part !== ".")
                parts.push(part);
        return `/${parts.join("/")}`;
    }

    /* File or folder; undefined: neither. */
    get(name) {
        const path = this.path(name);
        const under = path === "/" ? "/" : `${path}/`;
        const found = new Map();

        if (this.map.has(path))
            return this.map.get(path);
        for (const file of this.map.keys())
            if (file.startsWith(under)) {
                const [first, ...more] = file.slice(under.length).split("/");
                found.set(first, more.length > 0 ? FOLDER : REGULAR);
            }
        return found.size > 0 || path === "/" ? new Folder([...found])
            : undefined;
    }

    put(name, bytes) {
        const file = new File(bytes);

        this.map.set(this.path(name), file);
        return file;
    }

    remove(name) {
        this.map.delete(this.path(name));
    }

    rename(from, to) {
        const file = this.map.get(this.path(from));

        if (file === undefined)
            return false;
        this.map.delete(this.path(from));
        this.map.set(this.path(to), file);
        return true;
    }

    clear() {
        this.map.clear();
    }
}
