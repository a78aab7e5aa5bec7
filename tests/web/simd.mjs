/* simd.mjs BUILD -- volley.wasm and volley-simd.wasm beside each other: of the
 * same randomness come the same keys and the same ciphertexts, byte for byte, and
 * what making them took.
 */
import { createHash } from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import { MODULES, RELAXED_SIMD } from "../../unet/web/simd.mjs";
import { Volley } from "../../unet/web/volley.mjs";
import { check, close, equal, skip, test } from "./check.mjs";
import { Native } from "./native.mjs";

const build = process.argv[2] ?? "build";
const native = new Native(build);

/* Fills with the bytes of a counter's hashes. */
function seeded() {
    let k = 0;

    return (out) => {
        for (let at = 0; at < out.length; at += 32)
            out.set(createHash("sha256").update(`${k++}`).digest()
                .subarray(0, out.length - at), at);
    };
}

function digest(pieces) {
    const hash = createHash("sha256");

    for (const { at, bytes } of pieces)
        hash.update(`${at ?? ""}`).update(bytes);
    return hash.digest("hex");
}

/* CPU seconds of act, and what it gives. */
function timed(act) {
    const t = process.cpuUsage();
    const value = act();
    const { user, system } = process.cpuUsage(t);

    return [(user + system) / 1e6, value];
}

async function made(name, text) {
    const wasm = fs.readFileSync(path.join(build, "web", name));
    const v = await Volley.open(wasm, { plan: text, random: seeded() });
    const { height, width, channels } = v.info();

    v.makeSecret();
    const [seconds, keys] = timed(() => digest(v.keys()));
    v.addPixels({ height, width, data: Uint8Array.from(
        { length: height * width * channels }, (_, i) => i * 5 % 256) });
    const [later, upload] = timed(() => digest(v.encrypt()));
    const secret = digest([{ bytes: v.secret() }]);

    v.close();
    console.log(`${name}, keys ${seconds.toFixed(3)} s, encrypt `
        + `${later.toFixed(3)} s CPU`);
    return { secret, keys, upload };
}

if (!RELAXED_SIMD || !fs.existsSync(path.join(build, "web", MODULES[0]))) {
    skip("volley-simd.wasm: no relaxed SIMD here (node: "
        + "--experimental-wasm-relaxed-simd), or no clang-19");
} else {
    for (const plan of ["mnist", "gm"])
        await test(plan, async () => {
            const text = native.plan(plan);
            const plain = await made("volley.wasm", text);
            const simd = await made("volley-simd.wasm", text);

            equal(simd, plain, `${plan}: bytes of both modules`);
            check(plain.keys !== plain.upload, `${plan}: not of nothing`);
        });
}

native.clear();
close();
