/* page_view.mjs -- an image slice by slice, the mask over it.
 *
 * show() takes a slice, draw() paints it at the size the screen has; edges of
 * masks are never smoothed.
 */
import { $, count, make } from "./page_words.mjs";

/* docs/conventions.md, "Masks" */
export const PALETTE = [
    [0, 0, 0], [230, 159, 0], [86, 180, 233], [0, 158, 115],
    [240, 228, 66], [0, 114, 178], [213, 94, 0], [204, 121, 167],
    [0, 0, 255], [240, 255, 180], [135, 45, 30], [45, 105, 255],
    [240, 255, 255], [75, 75, 90], [45, 150, 255], [0, 75, 180]
];

export function colour(label) {
    return PALETTE[label % PALETTE.length];
}

function canvasOf(width, height, fill) {
    const canvas = make("canvas");
    const image = new ImageData(width, height);

    canvas.width = width;
    canvas.height = height;
    fill(image.data);
    canvas.getContext("2d").putImageData(image, 0, 0);
    return canvas;
}

/* Pixels of each label: a count by label. */
export function census(label) {
    const n = new Map();

    for (const l of label)
        n.set(l, (n.get(l) ?? 0) + 1);
    return n;
}

export class View {
    constructor() {
        this.labels = [];               /* names, the background's first     */
        this.clear();
        new ResizeObserver(() => this.draw()).observe($("screen"));
        $("opacity").oninput = () => this.draw();
    }

    clear() {
        this.image = null;
        this.mask = null;
        $("screen-said").hidden = false;
        $("caption").textContent = "";
        $("canvas").setAttribute("aria-label", "No image yet");
        this.draw();
    }

    /* {width, height, grey} and {width, height, label} or null. */
    show(image, mask, caption) {
        const { width, height, grey } = image;

        this.image = canvasOf(width, height, (data) => {
            for (let i = 0; i < grey.length; i++) {
                data.fill(grey[i], 4 * i, 4 * i + 3);
                data[4 * i + 3] = 255;
            }
        });
        this.mask = mask && canvasOf(mask.width, mask.height, (data) =>
            mask.label.forEach((label, i) => {
                if (label > 0)
                    data.set([...colour(label), 255], 4 * i);
            }));
        $("screen-said").hidden = true;
        $("caption").textContent = caption;
        $("canvas").setAttribute("aria-label", this.describe(mask, caption));
        this.draw();
    }

    describe(mask, caption) {
        const parts = mask ? [...census(mask.label)].filter(([l]) => l > 0)
            .map(([l, n]) => `${this.labels[l] ?? `class ${l}`}: `
                + count(n, "pixel")) : [];

        return [caption, mask && parts.length === 0 ? "nothing found"
            : parts.join(", ")].filter(Boolean).join("; ");
    }

    draw() {
        const canvas = $("canvas"), box = canvas.getBoundingClientRect();
        const dots = globalThis.devicePixelRatio ?? 1;
        const context = canvas.getContext("2d");

        canvas.width = Math.round(box.width * dots);
        canvas.height = Math.round(box.height * dots);
        $("opacity-said").textContent = `${$("opacity").value} %`;
        if (this.image === null)
            return;
        const { width, height } = this.image;
        const fit = Math.min(canvas.width / width, canvas.height / height);
        const w = Math.round(width * fit), h = Math.round(height * fit);
        const at = [(canvas.width - w) >> 1, (canvas.height - h) >> 1, w, h];

        context.imageSmoothingEnabled = fit < 2;
        context.drawImage(this.image, ...at);
        if (this.mask === null)
            return;
        context.imageSmoothingEnabled = false;
        context.globalAlpha = $("opacity").value / 100;
        context.drawImage(this.mask, ...at);
        context.globalAlpha = 1;
    }

    /* Labels and their colours, without the background. */
    legend(total) {
        $("legend").replaceChildren(...this.labels.map((name, label) => {
            const swatch = make("span", { class: "swatch",
                "aria-hidden": "true" });
            swatch.style.background = `rgb(${colour(label)})`;
            return make("li", {}, swatch, name, " ", make("span",
                { class: "n" }, count(total.get(label) ?? 0, "pixel")));
        }).slice(1));
    }

    /* The class of a picture, its score, those of all. */
    classes({ name, score, logits }, classes) {
        const most = Math.max(...logits);
        const all = logits.length === 1 ? [] : classes.map((c, i) =>
            `${c}: ${(logits[i] - most).toFixed(1)}`);

        $("legend").replaceChildren(make("li", {}, make("strong", {}, name),
            ` with score ${score.toFixed(3)}`), ...all.map((text) =>
            make("li", { class: "n" }, text)));
        $("canvas").setAttribute("aria-label",
            `${$("caption").textContent}; class ${name}`);
    }

    /* The slice and its mask at the image's own size, as bytes of PNG. */
    async png() {
        const { width, height } = this.image;
        const canvas = canvasOf(width, height, () => {});
        const context = canvas.getContext("2d");

        context.drawImage(this.image, 0, 0);
        context.globalAlpha = $("opacity").value / 100;
        if (this.mask !== null)
            context.drawImage(this.mask, 0, 0, width, height);
        return new Promise((done) => canvas.toBlob(done, "image/png"));
    }
}
