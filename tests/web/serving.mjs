/* serving.mjs -- `volley serve` for a test, behind a line that can fail.
 *
 *   const s = await Serving.start(BUILD, [MODEL...], {page, args});
 *   s.url             through the line
 *   s.line.cut()      ends all connections now
 *   s.line.down       true: nobody gets through
 *   s.line.after      bytes to the server until all is cut once; null: never
 *   s.line.damage     true: a byte of the next result is another
 *   s.kill(), s.again()   kill -9, and the same server once more
 */
import { spawn } from "node:child_process";
import fs from "node:fs";
import http from "node:http";
import net from "node:net";
import os from "node:os";
import path from "node:path";
import { sleep } from "./browser.mjs";

function listen(server) {
    return new Promise((done) => server.listen(0, "127.0.0.1",
        () => done(server.address().port)));
}

async function freePort() {
    const server = net.createServer();
    const port = await listen(server);

    await new Promise((done) => server.close(done));
    return port;
}

class Line {
    constructor(port) {
        this.to = port;
        this.down = false;
        this.after = null;
        this.damage = false;
        this.cuts = 0;
        this.sockets = new Set();
        this.server = net.createServer((s) => this.join(s));
    }

    join(client) {
        if (this.down)
            return client.destroy();
        const server = net.connect(this.to, "127.0.0.1");
        let result = false;
        for (const s of [client, server]) {
            this.sockets.add(s);
            s.on("error", () => {});
            s.on("close", () => {
                this.sockets.delete(s);
                client.destroy();
                server.destroy();
            });
        }
        client.on("data", (part) => {
            if (/^GET \S*\/result /.test(part.toString("latin1", 0, 200)))
                result = true;
            this.count(part.length);
            if (!server.write(part))
                client.pause();
        });
        server.on("drain", () => client.resume());
        server.on("data", (part) => client.write(
            result ? this.spoil(part) : part));
        return undefined;
    }

    count(bytes) {
        if (this.after === null)
            return;
        this.after -= bytes;
        if (this.after <= 0) {
            this.after = null;
            this.cut();
        }
    }

    /* The last byte of a part of the body. */
    spoil(part) {
        if (!this.damage || part.length < 5000)
            return part;
        this.damage = false;
        part[part.length - 1] ^= 1;
        return part;
    }

    cut() {
        this.cuts++;
        for (const s of this.sockets)
            s.destroy();
    }
}

export class Serving {
    static async start(build, models, { page, args = [] } = {}) {
        const s = new Serving();

        s.store = fs.mkdtempSync(path.join(os.tmpdir(), "volley-serve-"));
        s.port = await freePort();
        s.command = path.join(build, "volley");
        s.args = ["serve", ...models, "--store", path.join(s.store, "s"),
            "--port", String(s.port), ...page ? ["--page", page] : [],
            ...args];
        await s.again();
        s.line = new Line(s.port);
        s.url = `http://127.0.0.1:${await listen(s.line.server)}/`;
        return s;
    }

    async again() {
        this.said = "";
        this.child = spawn(this.command, this.args,
            { stdio: ["ignore", "pipe", "pipe"] });
        for (const stream of [this.child.stdout, this.child.stderr])
            stream.on("data", (d) => { this.said += d; });
        this.gone = new Promise((done) => this.child.on("exit", done));
        for (const end = Date.now() + 60000; !await this.answers();) {
            if (Date.now() > end || this.child.exitCode !== null)
                throw new Error(`volley serve: ${this.said}`);
            await sleep(50);
        }
    }

    answers() {
        return new Promise((done) => {
            http.get({ port: this.port, host: "127.0.0.1",
                path: "/v1/models" }, (r) => {
                r.resume();
                done(true);
            }).on("error", () => done(false));
        });
    }

    async kill(signal = "SIGKILL") {
        this.child.kill(signal);
        await this.gone;
    }

    async stop() {
        this.line.cut();
        this.line.server.close();
        await this.kill("SIGTERM");
        fs.rmSync(this.store, { recursive: true, force: true });
    }
}
