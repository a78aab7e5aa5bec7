/* page_bytes.mjs -- every request and its bytes, in a table and in sums. */
import { $, make, size } from "./page_words.mjs";

const MOST_ROWS = 2000;

const CARRIES = [
    [/^GET .*\/models$/, "the list of networks"],
    [/^GET .*\/plan$/, "the network's plan"],
    [/^POST .*\/uploads$/, "how many bytes will come"],
    [/^GET .*\/uploads\//, "which pieces are missing"],
    [/^DELETE /, "what the server may forget"],
    [/^POST .*\/finish$/, "that all pieces are there"],
    [/^GET .*\/events$/, "how far the work is"],
    [/^GET .*\/result$/, "the encrypted result"],
    [/^GET .*\/keys\//, "whether the keys are still there"]
];

/* What a request carries; the pieces of an upload by what was begun. */
function carries({ method, path }, stage) {
    if (method === "PUT")
        return stage === "keys" ? "evaluation keys, a piece"
            : "the encrypted image, a piece";
    return CARRIES.find(([p]) => p.test(`${method} ${path}`))?.[1] ?? "";
}

/* Ids are rights of access: shown by their first digits. */
function short(path) {
    return path.replace(/[0-9a-f]{32}/g, (id) => `${id.slice(0, 6)}…`);
}

export class Ledger {
    constructor() {
        this.sum = { up: 0, down: 0, n: 0, keys: 0, images: 0 };
        this.stage = "";
    }

    add(request) {
        const { method, path, status, up, down, ms } = request;
        const cell = (text) => make("td", { class: "n" }, text);

        this.sum.up += up;
        this.sum.down += down;
        this.sum.n++;
        $("sum-up").textContent = size(this.sum.up);
        $("sum-down").textContent = size(this.sum.down);
        $("sum-n").textContent = this.sum.n.toLocaleString("en");
        $("requests").append(make("tr", {},
            make("td", {}, (performance.now() / 1000).toFixed(1)),
            make("td", {}, `${method} ${short(path)}`),
            make("td", {}, carries(request, this.stage)),
            make("td", {}, status === 0 ? "cut" : String(status)),
            cell(up.toLocaleString("en")), cell(down.toLocaleString("en")),
            cell(String(Math.round(ms)))));
        if ($("requests").rows.length > MOST_ROWS)
            $("requests").rows[0].remove();
    }
}
