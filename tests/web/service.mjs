/* service.mjs -- the client of the protocol against a server that cuts,
 * refuses and lies (fake.mjs): node tests/web/service.mjs
 *
 * Caught when planted: a piece freed before it is confirmed; an answer cut
 * after the piece is stored taken as not stored; pieces beyond two under way;
 * a result begun anew at the wrong place; an event that is split over parts.
 */
import { Service } from "../../unet/web/service.mjs";
import { Lines, readState } from "../../unet/web/events.mjs";
import { Pieces } from "../../unet/web/upload.mjs";
import { Fake } from "./fake.mjs";
import { check, close, equal, fails, test } from "./check.mjs";

const bytes = (n) => Uint8Array.from({ length: n }, (_, i) => i * 31 >> 3);

/* As keys are made: behind the head first, the head last. */
function* keyChunks(all, head, step) {
    for (let at = head; at < all.length; at += step)
        yield { at, bytes: all.slice(at, at + step) };
    yield { at: 0, bytes: all.slice(0, head) };
}

function same(a, b) {
    return Buffer.compare(Buffer.from(a), Buffer.from(b)) === 0;
}

async function world(options, act) {
    const fake = await Fake.start(options);
    const said = [];
    const service = new Service(fake.url, { patience: 3000, first: 5,
        onbytes: (b) => said.push(b), ...options });

    try {
        await act(fake, service, said);
    } finally {
        await fake.stop();
    }
}

await test("pieces", () => {
    for (const [n, size, step] of [[10, 3, 1], [1000, 7, 64], [64, 64, 64],
        [65, 64, 1000], [1, 4, 1]]) {
        const all = bytes(n), got = new Uint8Array(n);
        const pieces = new Pieces(n, size);
        let seen = 0;
        for (const chunk of keyChunks(all, Math.min(5, n), step))
            for (const [k, data] of pieces.add(chunk)) {
                got.set(data, k * size);
                seen++;
            }
        check(same(got, all), `pieces ${n} ${size} ${step}`);
        equal(seen, Math.ceil(n / size), "count of pieces");
        equal(pieces.open.size, 0, "open pieces at the end");
    }
});

await test("upload", () => world({}, async (fake, service, said) => {
    const all = bytes(12345);
    const up = service.upload({ kind: "keys", model: "m" }, all.length,
        keyChunks(all, 40, 777));
    let most = 0;
    const { keys } = await up.run({ onpart: (p) => {
        most = Math.max(most, p.waiting);
    } });

    check(same(fake.keys.get(keys), all), "the bytes arrive");
    check(most <= 4000, `at most 4 pieces are held: ${most} bytes`);
    equal(fake.log.at(-2).split("/").at(-1), "0", "piece 0 is the last");
    const puts = said.filter((s) => s.method === "PUT");
    equal(puts.reduce((n, s) => n + s.up, 0), all.length, "bytes counted");
}));

await test("cuts", () => world({}, async (fake, service, said) => {
    const all = bytes(9001);
    /* every third request is cut before, every fifth behind the work */
    fake.fault = (q, n) => n % 3 === 1 ? "drop" : n % 5 === 2 ? "late" : null;
    const up = service.upload({ kind: "job", keys: "0".repeat(32) },
        all.length, keyChunks(all, 40, 500));
    const { job } = await up.run();

    check(same(fake.jobs.get(job), all), "the bytes arrive through cuts");
    check(fake.log.some((l) => /^GET .v1.uploads/.test(l)),
        "what is missing was asked for");
    check(said.some((s) => s.status === 0), "cut requests are counted too");
}));

await test("stored before the cut", () => world({}, async (fake, service) => {
    const all = bytes(3000);
    const seen = new Set();
    fake.fault = (q) => {
        const first = q.method === "PUT" && !seen.has(q.url);
        seen.add(q.url);
        return first ? "late" : null;
    };
    await service.upload({ kind: "keys", model: "m" }, all.length,
        keyChunks(all, 40, 500)).run();
    const puts = fake.log.filter((l) => l.startsWith("PUT"));
    equal(puts.length, 3, "no piece is sent twice that was stored");
}));

await test("down for long", () => world({ patience: 300 },
    async (fake, service) => {
        const all = bytes(5000);
        let down = true;
        fake.fault = (q, n) => down && n > 3 ? "drop" : null;
        const up = service.upload({ kind: "keys", model: "m" }, all.length,
            keyChunks(all, 40, 500));
        const e = await fails(() => up.run(), /connection .* lost/, "down");
        check(e.again && /continue/.test(e.way), "says how to go on");
        down = false;
        const { keys } = await up.run();
        check(same(fake.keys.get(keys), all), "goes on where it was");
    }));

await test("lost pieces", () => world({}, async (fake, service) => {
    const all = bytes(5000);
    const up = service.upload({ kind: "keys", model: "m" }, all.length,
        keyChunks(all, 40, 500));
    fake.fault = (q) => {
        if (q.url.endsWith("finish"))
            [...fake.uploads.values()][0].parts.delete(2);
        return null;
    };
    await fails(() => up.run(), /lost 1 pieces/, "a piece is gone");
}));

await test("refusals", () => world({ token: "open" }, async (fake) => {
    const quick = { patience: 500, first: 5 };
    const shut = new Service(fake.url, { token: "wrong", ...quick });
    const e = await fails(() => shut.models(), /no token/, "wrong token");
    check(e.status === 401 && /token/.test(e.way), "401 says what to do");
    const open = new Service(fake.url, { token: "open", ...quick });
    equal(await open.models(), [], "right token");
    equal(await open.keys("0".repeat(32)), null, "no such keys");
    fake.fault = () => ({ status: 413, json: { error: "too\nlarge\x07 " } });
    const f = await fails(() => open.upload({ kind: "job", keys: "x" }, 5,
        [{ bytes: bytes(5) }]).run(), /^too large$/, "413");
    check(!f.again && /fewer/.test(f.way), "413 is final");
    let n = 0;
    fake.fault = () => n++ < 2 ? { status: 429, json: { error: "full" },
        headers: { "Retry-After": "0" } } : null;
    equal(await open.models(), [], "429 is waited out");
    fake.fault = () => ({ status: 502, bytes: Buffer.from("<html>") });
    await fails(() => open.models(), /answered 502/, "a proxy's page");
}));

await test("answers that make no sense", () => world({ patience: 300 },
    async (fake, service) => {
        const wrong = async (json, act, text) => {
            fake.fault = () => ({ status: 201, json });
            await fails(act, /makes no sense/, text);
        };
        const begin = () => service.upload({ kind: "keys", model: "m" }, 10,
            [{ bytes: bytes(10) }]).run();
        const good = { upload: "a".repeat(32), piece_bytes: 4, pieces: 3 };
        for (const change of [{ upload: "../x" }, { piece_bytes: 0 },
            { piece_bytes: 2 ** 40 }, { pieces: 2 }, { piece_bytes: -1 }])
            await wrong({ ...good, ...change }, begin,
                JSON.stringify(change));
        await wrong({ models: 5 }, () => service.models(), "models");
        await wrong({ models: [{ name: "<b>" }] }, () => service.models(),
            "a name");
        await wrong({ models: [{ name: "m", plan_bytes: -1 }] },
            () => service.models(), "a size");
        fake.fault = () => ({ status: 200, bytes: Buffer.from("[") });
        await fails(() => service.models(), /no JSON/, "no JSON");
        fake.fault = () => ({ status: 200, bytes: Buffer.alloc(9 << 20) });
        await fails(() => service.models(), /more than/, "too long");
        for (const s of [{ state: "x" }, { place: -1 }, { sets: 1.5 }, null])
            await fails(() => readState(s), /makes no sense/, "a state");
    }));

await test("events", () => world({ patience: 2000 },
    async (fake, service) => {
        const event = (name, o) =>
            `event: ${name}\ndata: ${JSON.stringify(o)}\n\n`;
        const job = "b".repeat(32);
        fake.jobs.set(job, Buffer.alloc(0));
        fake.states = [event("state", { state: "queued", place: 2 })
            + ": still here\n\n" + 'event: progress\ndata: {"lay',
        event("progress", { set: 0, sets: 1, layer: "enc0a", done: .25 }),
        event("end", { state: "done", bytes: 6 })];
        const seen = [];
        const end = await service.follow(job,
            { onstate: (s) => seen.push(s.layer || s.state) });
        equal(seen, ["queued", "enc0a", "done"], "states over three streams");
        equal(end.bytes, 6, "the last state");
        fake.states = [event("end", { state: "failed", error: "no memory" })];
        await fails(() => service.follow(job), /no memory/, "a failed job");
        await fails(() => service.follow("c".repeat(32)), /no jobs/, "gone");
        const lines = new Lines();
        const text = "event: a\r\ndata: 1\r\ndata: 2\r\n\r\n";
        const got = [...text].flatMap((c) => lines.feed(c));
        equal(got, [{ event: "a", data: "1\n2" }], "letter by letter");
        await fails(() => lines.feed("x".repeat(70000)), /64 KiB/, "long");
    }));

await test("result", () => world({}, async (fake, service) => {
    const job = "d".repeat(32);
    fake.jobs.set(job, Buffer.alloc(0));
    fake.answer = Buffer.from(bytes(50000));
    fake.cuts = [20000, 15000];
    const got = await service.result(job, 50000);
    check(same(got, fake.answer), "the result through two cuts");
    equal(fake.log.filter((l) => l.endsWith("result")).length, 3,
        "three requests");
    fake.fault = () => ({ status: 200, bytes: fake.answer, cut: 20000 });
    await fails(() => service.result(job, 50000), /connection .* lost/,
        "a server that never gets to the end");
    fake.fault = () => null;
    await fails(() => service.result(job, 49999), /makes no sense/,
        "longer than said");
    fake.fault = () => ({ status: 206, bytes: Buffer.alloc(9),
        headers: { "Content-Range": "bytes 5-13/50000" } });
    await fails(() => service.result(job, 50000), /another part/,
        "another part");
}));

await test("stop", () => world({}, async (fake, service) => {
    const stop = new AbortController();
    const up = service.upload({ kind: "keys", model: "m" }, 1e6,
        keyChunks(bytes(1e6), 40, 1000));
    await fails(() => up.run({ signal: stop.signal,
        onpart: () => stop.abort(new Error("stopped by the user")) }),
    /stopped by the user/, "stop");
    await up.abandon();
    equal(fake.uploads.size, 0, "the server was told");
}));

await test("addresses", async () => {
    for (const [text, want] of [["host", "https://host"],
        ["http://h:8/", "http://h:8"], ["https://h/v/", "https://h/v"]])
        equal(new Service(text).base, want, text);
    for (const text of ["ftp://h", "http://u:p@h", "http://"])
        await fails(() => new Service(text), /no address/, text);
});

close();
