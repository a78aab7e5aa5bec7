/* wasi.mjs -- what volley.wasm asks of its host, by the names of WASI preview
 * 1: randomness, a clock, and files that exist in memory alone.
 *
 * Nothing of the machine is reachable: no folder, no network, no environment,
 * no argument.  Randomness is crypto.getRandomValues or an error, which the
 * library gives back as CKKS_ERNG; there is no second source.
 */
import { Files, REGULAR } from "./wasi_files.mjs";

/* Error numbers of WASI. */
export const E = { BADF: 8, EXIST: 20, INVAL: 28, IO: 29, ISDIR: 31,
    NOENT: 44, NOSYS: 52, NOTDIR: 54, NOTEMPTY: 55, SPIPE: 70 };

const ROOT = 3, FIRST = 4;
const CREATE = 1, DIRECTORY = 2, EXCLUSIVE = 4, TRUNCATE = 8;
const APPEND = 1;
const PIECE = 65536;                    /* of getRandomValues, a call        */

/* Ends the program: a module of the library never asks for it by itself. */
export class Exit extends Error {
    constructor(code) {
        super(`the program ended with ${code}`);
        this.code = code;
    }
}

function random(out) {
    for (let at = 0; at < out.length; at += PIECE)
        globalThis.crypto.getRandomValues(out.subarray(at,
            Math.min(at + PIECE, out.length)));
}

export class Wasi {
    /* random(out) fills a Uint8Array or throws; args, for programs; write(fd,
     * bytes) gets what goes to standard output and error. */
    constructor({ random: source = random, args = [], write = () => {},
        files = new Files() } = {}) {
        Object.assign(this, { source, args, write, files });
        this.open = new Map();
    }

    /* The imports of a module. */
    imports() {
        const names = ["args_get", "args_sizes_get", "clock_time_get",
            "environ_get", "environ_sizes_get", "fd_close", "fd_fdstat_get",
            "fd_fdstat_set_flags", "fd_filestat_get", "fd_prestat_dir_name",
            "fd_prestat_get", "fd_read", "fd_readdir", "fd_seek", "fd_sync",
            "fd_write", "path_filestat_get", "path_open", "path_rename",
            "path_unlink_file", "proc_exit", "random_get"];

        return Object.fromEntries(names.map((n) =>
            [n, (...a) => this[n](...a)]));
    }

    /* Memory of the module, given when it is there. */
    use(memory) {
        this.memory = memory;
    }

    get view() {
        return new DataView(this.memory.buffer);
    }

    bytes(at, size) {
        return new Uint8Array(this.memory.buffer, at, size);
    }

    text(at, size) {
        return new TextDecoder().decode(this.bytes(at, size).slice());
    }

    /* ---- the process ----------------------------------------------------- */

    strings(list, table, at) {
        for (const s of list.map((x) => new TextEncoder().encode(`${x}\0`))) {
            this.view.setUint32(table, at, true);
            this.bytes(at, s.length).set(s);
            table += 4;
            at += s.length;
        }
        return 0;
    }

    sizes(list, count, size) {
        this.view.setUint32(count, list.length, true);
        this.view.setUint32(size, list.reduce((n, x) =>
            n + new TextEncoder().encode(x).length + 1, 0), true);
        return 0;
    }

    args_get(table, at) {
        return this.strings(this.args, table, at);
    }

    args_sizes_get(count, size) {
        return this.sizes(this.args, count, size);
    }

    environ_get() {
        return 0;
    }

    environ_sizes_get(count, size) {
        return this.sizes([], count, size);
    }

    proc_exit(code) {
        throw new Exit(code);
    }

    clock_time_get(id, precision, out) {
        this.view.setBigUint64(out, BigInt(Date.now()) * 1000000n, true);
        return 0;
    }

    /* Drawn apart, for a memory that other threads share is refused. */
    random_get(at, size) {
        const out = new Uint8Array(size);

        try {
            this.source(out);
        } catch {
            return E.IO;
        }
        this.bytes(at, size).set(out);
        out.fill(0);
        return 0;
    }

    /* ---- open files ------------------------------------------------------ */

    fd_prestat_get(fd, out) {
        if (fd !== ROOT)
            return E.BADF;
        this.view.setUint32(out, 0, true);
        this.view.setUint32(out + 4, 1, true);
        return 0;
    }

    fd_prestat_dir_name(fd, at) {
        this.bytes(at, 1)[0] = 0x2f;
        return fd === ROOT ? 0 : E.BADF;
    }

    /* The path from the root; a name of the library is such a path already. */
    path(fd, at, size) {
        const base = fd === ROOT ? "" : this.open.get(fd)?.name ?? "";

        return this.files.path(`${base}/${this.text(at, size)}`);
    }

    path_open(dir, follow, at, size, how, rights, inherited, flags, out) {
        const name = this.path(dir, at, size);
        let file = this.files.get(name);

        if (file === undefined && !(how & CREATE))
            return E.NOENT;
        if (file !== undefined && how & CREATE && how & EXCLUSIVE)
            return E.EXIST;
        if (how & DIRECTORY && file?.type === REGULAR)
            return E.NOTDIR;
        if (file === undefined)
            file = this.files.put(name, new Uint8Array());
        if (how & TRUNCATE)
            file.truncate();
        let fd = FIRST;
        while (this.open.has(fd))
            fd++;
        this.open.set(fd, { name, file, at: 0, flags });
        this.view.setUint32(out, fd, true);
        return 0;
    }

    fd_close(fd) {
        return fd < FIRST || this.open.delete(fd) ? 0 : E.BADF;
    }

    fd_sync(fd) {
        return this.open.has(fd) ? 0 : E.BADF;
    }

    fd_fdstat_get(fd, out) {
        const file = fd === ROOT ? this.files.get("/")
            : this.open.get(fd)?.file;

        if (fd >= ROOT && file === undefined)
            return E.BADF;
        this.bytes(out, 24).fill(0);
        this.view.setUint8(out, fd < ROOT ? 2 : file.type);
        this.view.setBigUint64(out + 8, (1n << 29n) - 1n, true);
        this.view.setBigUint64(out + 16, (1n << 29n) - 1n, true);
        return 0;
    }

    fd_fdstat_set_flags(fd, flags) {
        const open = this.open.get(fd);

        if (open === undefined)
            return E.BADF;
        open.flags = flags;
        return 0;
    }

    /* Pairs of address and size. */
    *vectors(at, count) {
        for (let i = 0; i < count; i++)
            yield this.bytes(this.view.getUint32(at + 8 * i, true),
                this.view.getUint32(at + 8 * i + 4, true));
    }

    fd_read(fd, at, count, out) {
        const open = this.open.get(fd);
        let got = 0;

        if (open === undefined)
            return E.BADF;
        if (open.file.type !== REGULAR)
            return E.ISDIR;
        for (const piece of this.vectors(at, count))
            got += open.file.read(piece, open.at + got);
        open.at += got;
        this.view.setUint32(out, got, true);
        return 0;
    }

    fd_write(fd, at, count, out) {
        const open = this.open.get(fd);
        let put = 0;

        if (open === undefined && (fd < 1 || fd > 2))
            return E.BADF;
        if (open?.flags & APPEND)
            open.at = open.file.size;
        for (const piece of this.vectors(at, count)) {
            if (open === undefined)
                this.write(fd, piece.slice());
            else
                open.file.write(piece, open.at + put);
            put += piece.length;
        }
        if (open !== undefined)
            open.at += put;
        this.view.setUint32(out, put, true);
        return 0;
    }

    fd_seek(fd, by, from, out) {
        const open = this.open.get(fd);

        if (open === undefined)
            return fd < FIRST ? E.SPIPE : E.BADF;
        const at = Number(by) + [0, open.at, open.file.size][from];
        if (!(at >= 0 && Number.isSafeInteger(at)))
            return E.INVAL;
        open.at = at;
        this.view.setBigUint64(out, BigInt(at), true);
        return 0;
    }

    /* ---- what is there --------------------------------------------------- */

    stat(file, out) {
        if (file === undefined)
            return E.NOENT;
        this.bytes(out, 64).fill(0);
        this.view.setBigUint64(out + 8, BigInt(file.number), true);
        this.view.setUint8(out + 16, file.type);
        this.view.setBigUint64(out + 24, 1n, true);
        this.view.setBigUint64(out + 32, BigInt(file.size), true);
        return 0;
    }

    fd_filestat_get(fd, out) {
        const open = this.open.get(fd);

        if (open === undefined && fd !== ROOT)
            return E.BADF;
        return this.stat(open?.file ?? this.files.get("/"), out);
    }

    path_filestat_get(dir, follow, at, size, out) {
        return this.stat(this.files.get(this.path(dir, at, size)), out);
    }

    /* Entries from number `cookie` on, as many bytes as there is room for. */
    fd_readdir(fd, at, room, cookie, out) {
        const open = this.open.get(fd);
        let used = 0;

        if (open === undefined)
            return E.BADF;
        if (open.file.type === REGULAR)
            return E.NOTDIR;
        for (const entry of open.file.entries(open.name, Number(cookie))) {
            const take = Math.min(entry.length, room - used);

            this.bytes(at + used, take).set(entry.subarray(0, take));
            used += take;
            if (used === room)
                break;
        }
        this.view.setUint32(out, used, true);
        return 0;
    }

    path_rename(from, a, aSize, to, b, bSize) {
        return this.files.rename(this.path(from, a, aSize),
            this.path(to, b, bSize)) ? 0 : E.NOENT;
    }

    path_unlink_file(dir, at, size) {
        const name = this.path(dir, at, size);
        const file = this.files.get(name);

        if (file === undefined || file.type !== REGULAR)
            return file === undefined ? E.NOENT : E.ISDIR;
        this.files.remove(name);
        return 0;
    }
}
