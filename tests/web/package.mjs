/* package.mjs -- what `make web` packs: the page as one file and the npm
 * package, the same to the byte when made twice; the package, packed by npm
 * and unpacked elsewhere, takes a digit there and back.
 *
 *     node tests/web/package.mjs BUILD
 */
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { check, close, equal, skip, test } from "./check.mjs";
import { digitImage } from "./digit.mjs";

const build = path.resolve(process.argv[2] ?? "build");
const root = path.resolve(path.dirname(new URL(import.meta.url).pathname),
    "../..");
const folder = fs.mkdtempSync(path.join(os.tmpdir(), "volley-package-"));
const web = path.join(build, "web");
const at = (...names) => path.join(folder, ...names);

function run(command, args, options = {}) {
    return execFileSync(command, args, { stdio: "pipe", ...options })
        .toString();
}

function volley(...args) {
    return run(path.join(build, "volley"), args);
}

function pack(...args) {
    return run("python3", [path.join(root, "unet/web/pack.py"), ...args]);
}

function same(a, b, text) {
    check(fs.readFileSync(a).equals(fs.readFileSync(b)), text);
}

/* The tarball npm makes, or null where there is no npm. */
function tarball(from, to) {
    fs.mkdirSync(to);
    try {
        run("npm", ["--version"]);
    } catch {
        return null;
    }
    const name = run("npm", ["pack", "--silent", "--pack-destination", to],
        { cwd: from }).trim().split("\n").at(-1);
    return path.join(to, name);
}

/* A program that knows the package by its name alone. */
const PROGRAM = `
import fs from "node:fs";
import { Volley } from "@volley/client";
import { Service, ServiceError } from "@volley/client/service.mjs";

const wasm = fs.readFileSync(new URL(import.meta.resolve(
    "@volley/client/volley.wasm")));
export const v = await Volley.open(wasm,
    { plan: fs.readFileSync("mnist.plan", "utf8") });
new Service("localhost:1");
if (!(new ServiceError("x", "y") instanceof Error))
    throw new Error("no error");
v.makeSecret();
const keys = fs.openSync("eval.keys", "w");
for (const { at, bytes } of v.keys())
    fs.writeSync(keys, bytes, 0, bytes.length, at);
fs.closeSync(keys);
const data = fs.readFileSync("digit.pgm").subarray(-784);
v.addPixels({ name: "digit", height: 28, width: 28, data });
const up = fs.openSync("in.vct", "w");
for (const { bytes } of v.encrypt())
    fs.writeSync(up, bytes);
fs.closeSync(up);
`;

await test("one file", () => {
    pack("html", web, at("a.html"));
    same(at("a.html"), path.join(web, "volley.html"), "volley.html");
    const text = fs.readFileSync(at("a.html"), "utf8");
    check(!/(?:src|href)="(?!data:)/.test(text), "nothing is loaded");
});

/* The methods that the types name are there. */
function types(name, Class) {
    const text = fs.readFileSync(path.join(web, "npm",
        name.replace(".mjs", ".d.ts")), "utf8");
    const declared = new RegExp(`^export class ${Class} \\{(.*?)^\\}`, "ms")
        .exec(text)[1].replace(/\/\*\*.*?\*\//gs, "");
    const code = fs.readFileSync(path.join(web, "npm", name), "utf8");
    const said = [...declared.matchAll(
        /^ {4}(?:static |readonly )?(\w+)(?=[(:])/gm)].map((m) => m[1]);

    for (const method of said)
        check(new RegExp(`^ +(?:static |async |get |\\*)*${method}\\(`, "m")
            .test(code) || code.includes(`this.${method} =`),
        `${Class}.${method} of the types is in ${name}`);
}

await test("npm package", async () => {
    pack("npm", web, at("npm"), "9.9.9");
    for (const name of fs.readdirSync(path.join(web, "npm")))
        if (name !== "package.json")
            same(at("npm", name), path.join(web, "npm", name), name);
    const about = JSON.parse(fs.readFileSync(path.join(web,
        "npm/package.json")));
    for (const none of ["scripts", "dependencies", "bin"])
        equal(about[none], undefined, `package.json: ${none}`);
    types("volley.mjs", "Volley");
    types("service.mjs", "Service");

    const first = tarball(path.join(web, "npm"), at("p1"));
    fs.mkdirSync(at("node_modules/@volley"), { recursive: true });
    if (first === null) {
        skip("no npm, the package is taken as it lies");
        fs.cpSync(path.join(web, "npm"), at("node_modules/@volley/client"),
            { recursive: true });
    } else {
        same(first, tarball(path.join(web, "npm"), at("p2")),
            "npm pack gives the same bytes twice");
        run("tar", ["xf", first, "-C", folder]);
        fs.renameSync(at("package"), at("node_modules/@volley/client"));
    }
    await digit();
});

async function digit() {
    const model = path.join(root, "unet/models/mnist.safetensors");

    fs.writeFileSync(at("digit.pgm"), digitImage());
    fs.writeFileSync(at("program.mjs"), PROGRAM);
    volley("plan", model, "-o", at("mnist.plan"));
    process.chdir(folder);
    const { v } = await import(pathToFileURL(at("program.mjs")));
    volley("evaluate", model, "--keys", at("eval.keys"), at("in.vct"), "-o",
        at("out.vct"));
    v.decrypt(fs.readFileSync(at("out.vct")));
    const { name, logits } = v.scores(0);
    volley("clear", model, at("digit.pgm"), "-o", at("clear.csv"));
    const clear = fs.readFileSync(at("clear.csv"), "utf8").trim().split("\n")
        .at(-1).split(",");
    equal(name, clear[1], "the class is that of the clear network");
    const apart = Math.max(...clear.slice(3).map((l, i) =>
        Math.abs(Number(l) - logits[i])));
    check(apart < 0.5, `logits are ${apart} from the clear ones`);
    v.close();
    process.chdir(root);
}

fs.rmSync(folder, { recursive: true, force: true });
close();
