/* native.mjs -- the command beside volley.mjs: what a test asks of it. */
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";

export class Native {
    constructor(build) {
        this.build = path.resolve(build);
        this.folder = fs.mkdtempSync(path.join(os.tmpdir(), "volley-web-"));
    }

    at(...name) {
        return path.join(this.folder, ...name);
    }

    read(...name) {
        return fs.readFileSync(this.at(...name));
    }

    write(name, bytes) {
        fs.mkdirSync(path.dirname(this.at(name)), { recursive: true });
        fs.writeFileSync(this.at(name), bytes);
    }

    /* What the program of BUILD says on standard output. */
    run(program, ...args) {
        return execFileSync(path.join(this.build, program), args,
            { cwd: this.folder, stdio: ["ignore", "pipe", "pipe"],
                maxBuffer: 1 << 26 }).toString();
    }

    model(name) {
        return path.resolve("unet/models", `${name}.safetensors`);
    }

    plan(name, ...more) {
        this.run("volley", "plan", this.model(name), "-o", `${name}.plan`,
            ...more);
        return this.read(`${name}.plan`).toString();
    }

    /* The server: eval.keys of folder, in.vct to out.vct. */
    evaluate(name, keys) {
        this.run("volley", "evaluate", this.model(name), "--keys",
            `${keys}/eval.keys`, "in.vct", "-o", "out.vct", "--plan",
            `${name}.plan`);
        return this.read("out.vct");
    }

    clear() {
        fs.rmSync(this.folder, { recursive: true });
    }
}

/* Numbers of a PGM file (P5, a byte a pixel). */
export function pgm(bytes) {
    const [head, width, height] = /^P5\s+(\d+)\s+(\d+)\s+255\s/.exec(
        bytes.subarray(0, 64).toString("latin1"));
    const data = bytes.subarray(head.length);

    return { width: Number(width), height: Number(height), data };
}
