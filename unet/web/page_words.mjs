/* page_words.mjs -- numbers as people read them. */

export function size(bytes) {
    if (bytes < 1000)
        return `${bytes} bytes`;
    const unit = bytes < 1e6 ? ["kB", 1e3] : bytes < 1e9 ? ["MB", 1e6]
        : ["GB", 1e9];
    const value = bytes / unit[1];
    return `${value.toFixed(value < 10 ? 1 : 0)} ${unit[0]}`;
}

/* "12 of 92 MB": both in the larger one's unit. */
export function ofSize(done, total) {
    const [number, unit] = size(total).split(" ");
    const by = { bytes: 1, kB: 1e3, MB: 1e6, GB: 1e9 }[unit];
    const digits = number.includes(".") ? 1 : 0;

    return `${(done / by).toFixed(digits)} of ${number} ${unit}`;
}

export function seconds(s) {
    if (s < 10)
        return `${s < 1 ? s.toFixed(1) : Math.round(s)} s`;
    if (s < 90)
        return `${Math.round(s)} s`;
    return s < 5400 ? `${Math.round(s / 60)} min`
        : `${(s / 3600).toFixed(1)} h`;
}

export function count(n, one, many = `${one}s`) {
    return `${n.toLocaleString("en")} ${n === 1 ? one : many}`;
}

/* A line of the library or the server as a sentence; names of files, which
 * may begin it, stay as they are. */
export function sentence(text) {
    const begun = /^[a-z]+(?=[ ,;])/.test(text)
        ? text[0].toUpperCase() + text.slice(1) : text;

    return /[.!?]$|^$/.test(begun) ? begun : `${begun}.`;
}

export function $(id) {
    return document.getElementById(id);
}

/* An element with text and attributes; children may be text. */
export function make(tag, attributes = {}, ...children) {
    const e = document.createElement(tag);

    for (const [name, value] of Object.entries(attributes))
        e.setAttribute(name, value);
    e.append(...children);
    return e;
}

/* Hands the user a file. */
export function save({ name, bytes }) {
    const url = URL.createObjectURL(new Blob([bytes],
        { type: "application/octet-stream" }));

    make("a", { href: url, download: name }).click();
    setTimeout(() => URL.revokeObjectURL(url), 60e3);
}
