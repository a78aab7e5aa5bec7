/* vectors.mjs BUILD [KERNEL [MODULE]] -- the test vectors in WebAssembly: each
 * case of vectors/ gives its words, and a case that was altered does not.
 *
 * MODULE, BUILD/web/vectors-check.wasm or vectors-simd.wasm, is vectors/check
 * over the objects that volley.wasm or volley-simd.wasm is made of; files and
 * arguments come through wasi.mjs.
 */
import fs from "node:fs";
import path from "node:path";
import { Exit, Wasi } from "../../unet/web/wasi.mjs";
import { check, close, equal, test } from "./check.mjs";

const build = process.argv[2] ?? "build";
const kernel = process.argv[3] ?? "portable";
const module = new WebAssembly.Module(
    fs.readFileSync(path.join(build, "web",
        process.argv[4] ?? "vectors-check.wasm")));

/* {code, said} of the program over these files, {name: bytes}. */
function run(args, files) {
    const said = [];
    const wasi = new Wasi({ args: ["vectors-check", ...args],
        write: (fd, bytes) => said.push(Buffer.from(bytes).toString()) });
    const { exports } = new WebAssembly.Instance(module,
        { wasi_snapshot_preview1: wasi.imports() });
    let code = 0;

    for (const [name, bytes] of Object.entries(files))
        wasi.files.put(name, bytes);
    wasi.use(exports.memory);
    try {
        exports._start();
    } catch (e) {
        if (!(e instanceof Exit))
            throw e;
        code = e.code;
    }
    return { code, said: said.join("") };
}

function folder(name) {
    return Object.fromEntries(fs.readdirSync(name)
        .filter((f) => f.endsWith(".json"))
        .map((f) => [`/${name}/${f}`, fs.readFileSync(path.join(name, f))]));
}

/* Cases in the files, counted here. */
function cases(files) {
    return Object.values(files).map((b) => JSON.parse(b.toString()))
        .flatMap((doc) => doc.testGroups ?? [])
        .reduce((n, group) => n + group.tests.length, 0);
}

for (const version of ["vectors/v1", "vectors/v2"])
    await test(version, () => {
        const files = folder(version);
        const want = cases(files);
        const { code, said } = run(["--kernel", kernel,
            ...Object.keys(files)], files);

        equal(code, 0, `${version}: exit code\n${said}`);
        const left = Number(/^skipped: (\d+) cases/m.exec(said)?.[1] ?? 0);
        check(left === 0 || (kernel !== "portable" && left < want / 2),
            `${version}: only sets of primes too large are left out: ${left}`);
        check(want > 100 && said.includes(` ${want - left} cases, 0 mism`),
            `${version}: all ${want} cases: ${said}`);
        console.log(said.trim());
    });

/* One digit of one word, of the first case of that operation. */
function altered(bytes, operation) {
    const doc = JSON.parse(bytes.toString());
    const [{ expected: [{ value }] }] = doc.testGroups
        .flatMap((g) => g.tests).filter((t) => t.operation === operation);

    value[0] = (value[0][0] === "1" ? "2" : "1") + value[0].slice(1);
    return Buffer.from(JSON.stringify(doc));
}

for (const operation of ["ntt_forward", "mod_mul"])
    await test(`${operation}, a word altered`, () => {
        const name = "vectors/v1/words.json";
        const { code, said } = run([`/${name}`],
            { [`/${name}`]: altered(fs.readFileSync(name), operation) });

        equal(code, 1, `${operation}: the exit code says so`);
        check(/ 1 mismatch/.test(said), `${operation}: one: ${said}`);
    });

await test("a file that is not there", () => {
    const { code, said } = run(["/nothing.json"], {});

    equal(code, 1, "the exit code says so");
    check(said.includes("/nothing.json"), `it is named: ${said}`);
});

close();
