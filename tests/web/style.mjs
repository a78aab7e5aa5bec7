/* style.mjs -- the page's colours can be read in both themes: contrasts of
 * WCAG 2, 4.5 for text, 3 for what else has to be seen.
 */
import fs from "node:fs";
import { check, close, test } from "./check.mjs";

const css = fs.readFileSync(new URL("../../unet/web/style.css",
    import.meta.url), "utf8");

/* {name: colour} of a block that sets :root. */
function colours(block) {
    return Object.fromEntries([...block.matchAll(
        /--([\w-]+): (#[0-9a-f]{3,6});/g)].map((m) => [m[1], m[2]]));
}

function luminance(hex) {
    const full = hex.length === 4 ? hex.replace(/[0-9a-f]/g, "$&$&") : hex;
    const [r, g, b] = [1, 3, 5].map((i) => {
        const v = parseInt(full.slice(i, i + 2), 16) / 255;
        return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
    });

    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function contrast(a, b) {
    const [x, y] = [luminance(a), luminance(b)].sort((p, q) => q - p);

    return (x + 0.05) / (y + 0.05);
}

const PAIRS = [["ink", "ground", 4.5], ["ink", "card", 4.5],
    ["ink", "soft", 4.5], ["dim", "ground", 4.5], ["dim", "card", 4.5],
    ["dim", "soft", 4.5], ["accent", "card", 4.5], ["accent", "soft", 4.5],
    ["on-accent", "accent", 4.5], ["bad", "bad-soft", 4.5],
    ["ink", "bad-soft", 4.5], ["on-screen", "screen", 4.5],
    ["edge", "card", 3], ["accent", "line", 3]];

await test("contrast", () => {
    const [light, dark] = [...css.matchAll(/:root \{(.*?)\}/gs)].map((m) =>
        colours(m[1]));

    for (const [theme, c] of [["light", light], ["dark", { ...light,
        ...dark }]])
        for (const [a, b, least] of PAIRS) {
            const ratio = contrast(c[a], c[b]);
            check(ratio >= least, `${theme}: ${a} on ${b} has contrast `
                + `${ratio.toFixed(2)}, want ${least}`);
        }
});

close();
