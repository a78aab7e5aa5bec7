/* page_files.mjs -- files chosen or dropped, folders in depth. */
import { $ } from "./page_words.mjs";

const MOST_FILES = 20000;

/* All entries of a folder: readEntries gives some at a time. */
async function list(folder) {
    const reader = folder.createReader();
    const all = [];

    for (; ;) {
        const some = await new Promise((done, fail) =>
            reader.readEntries(done, fail));
        if (some.length === 0 || all.length > MOST_FILES)
            return all;
        all.push(...some);
    }
}

async function walk(entry, path, files) {
    if (files.length > MOST_FILES)
        throw new Error(`There are more than ${MOST_FILES} files.`);
    if (entry.isDirectory) {
        for (const inner of await list(entry))
            await walk(inner, `${path}${entry.name}/`, files);
        return;
    }
    const file = await new Promise((done, fail) => entry.file(done, fail));
    Object.defineProperty(file, "path", { value: path + file.name });
    files.push(file);
}

async function dropped(transfer) {
    const entries = [...transfer.items].map((i) => i.webkitGetAsEntry?.())
        .filter(Boolean);
    const files = [];

    if (entries.length === 0)
        return [...transfer.files];
    for (const entry of entries)
        await walk(entry, "", files);
    return files;
}

/* A Worker gets files without what was added to them: path goes beside. */
export function withPaths(files) {
    return [...files].map((file) => ({
        path: file.path || file.webkitRelativePath || file.name,
        size: file.size, file
    }));
}

function input(button, field, take) {
    $(button).onclick = () => $(field).click();
    $(field).onchange = () => {
        const files = [...$(field).files];
        $(field).value = "";
        if (files.length > 0)
            take(files);
    };
}

/* take(files) for each choice; keyFile(file) for a key. */
export function listen(take, keyFile, fail) {
    const drop = $("drop");
    let depth = 0;

    input("pick-files", "files", take);
    input("pick-folder", "folder", take);
    input("key-open", "key-file", ([file]) => keyFile(file));
    document.ondragover = (e) => e.preventDefault();
    document.ondragenter = () => drop.classList.toggle("over", ++depth > 0);
    document.ondragleave = () => drop.classList.toggle("over", --depth > 0);
    document.ondrop = (e) => {
        e.preventDefault();
        depth = 0;
        drop.classList.remove("over");
        dropped(e.dataTransfer).then((f) => f.length > 0 && take(f), fail);
    };
}
