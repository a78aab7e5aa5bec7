/* run.mjs FILE -- a program of WebAssembly, by node's own WASI. */
import fs from "node:fs";
import { WASI } from "node:wasi";

const wasi = new WASI({ version: "preview1" });
const module = await WebAssembly.compile(fs.readFileSync(process.argv[2]));
const instance = await WebAssembly.instantiate(module,
    wasi.getImportObject());

process.exitCode = wasi.start(instance);
