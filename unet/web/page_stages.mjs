/* page_stages.mjs -- how far the work is: five stages, the network's layers
 * in one of them.  All lines are there from the start, so that nothing moves.
 */
import { $, make, ofSize, seconds } from "./page_words.mjs";

const STAGES = [
    ["keys", "Evaluation keys, made and sent"],
    ["images", "Image, encrypted and sent"],
    ["queue", "The server's queue"],
    ["compute", "The network, on the encrypted image"],
    ["result", "Result, fetched and decrypted"]
];
const MARK = { "": "○", now: "●", done: "✓" };
const SAID = { "": "to do", now: "under way", done: "done" };

export class Stages {
    constructor() {
        this.rows = new Map();
        for (const [name, text] of STAGES)
            this.rows.set(name, this.row(name, text));
        this.layers = make("div", { id: "layers", "aria-hidden": "true" });
        this.rows.get("compute").row.append(this.layers);
        this.chips = [];
        this.reset();
    }

    row(name, text) {
        const mark = make("span", { class: "mark", "aria-hidden": "true" });
        const said = make("span", { class: "unseen" });
        const count = make("span", { class: "count" });
        const bar = make("progress", { max: "1", value: "0",
            "aria-label": text });
        const row = make("li", { id: `stage-${name}` }, mark,
            make("span", {}, text, " ", said), count, bar);

        $("stages").append(row);
        return { row, mark, said, count, bar };
    }

    mark(name, state, count, part) {
        const r = this.rows.get(name);

        r.row.className = state;
        r.mark.textContent = MARK[state];
        r.said.textContent = SAID[state];
        if (count !== undefined)
            r.count.textContent = count;
        r.bar.value = state === "done" ? 1 : part ?? r.bar.value;
    }

    reset() {
        for (const [name] of STAGES)
            this.mark(name, "", "", 0);
        this.now = "";
        this.layer(-1);
    }

    /* The network's layers, by name. */
    setLayers(names) {
        this.chips = names.map((name) => make("span", {}, name));
        this.layers.replaceChildren(...this.chips);
    }

    layer(at) {
        this.chips.forEach((chip, i) => {
            chip.className = i < at ? "done" : i === at ? "now" : "";
        });
    }

    /* {stage, done, total} or {stage, state} of owner.mjs. */
    show(event) {
        const order = STAGES.map(([name]) => name);
        const at = order.indexOf(event.stage);

        for (const name of order.slice(0, at))
            if (this.rows.get(name).row.className !== "done")
                this.mark(name, "done", name === "queue" ? "" : undefined);
        if (this.now !== event.stage)   /* for who listens to the page       */
            $("live").textContent = `${STAGES[at][1]}: under way`;
        this.now = event.stage;
        if (event.state !== undefined)
            this.state(event.stage, event.state);
        else if (event.total !== undefined)
            this.mark(event.stage, event.done === event.total ? "done"
                : "now", ofSize(event.done, event.total),
            event.done / event.total);
        else
            this.mark(event.stage, "now");
    }

    state(stage, { state, place, layer, done, left, set, sets }) {
        if (stage === "queue") {
            this.mark("queue", "now", place === null ? ""
                : place === 0 ? "next" : `${place} before`);
            return;
        }
        const end = state === "done";
        const words = [];
        const at = this.chips.findIndex((c) => c.textContent === layer);

        if (sets > 1)
            words.push(`part ${Math.min((set ?? 0) + 1, sets)} of ${sets}`);
        if (left !== null && !end)
            words.push(`${seconds(left)} left`);
        this.mark("compute", end ? "done" : "now", words.join(", "), done);
        this.layer(end ? this.chips.length : at);
    }

    /* What was under way when it stopped. */
    halt() {
        if (this.now && this.rows.get(this.now).row.className === "now")
            this.mark(this.now, "");
    }
}
