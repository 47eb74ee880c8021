// The playground's comparison of variants, and its batches.

import { Stretches, get, post } from "../api.js";
import { diff, isAlike } from "../diff.js";
import { toHostsOf } from "../markdown.js";
import { attempt, button, confidence, copy, decisionChip, duration, failure, field, icon, money, select, sentence, skeleton } from "../parts.js";
import { View, h } from "../view.js";
import { SETTINGS, settingsOf } from "./playground.js";

/** Variants beside each other at most. */
const VARIANTS_MAX = 4;
/** Questions of a batch at most. */
const BATCH_MAX = 200;
const RATINGS = { 1: ["good", "Good"], 2: ["acceptable", "Acceptable"], 3: ["poor", "Poor"] };

/** The same question to two to four variants, side by side. */
class Compare extends View {
  state = { question: "", variants: [{}, { confidence_min: "0.3" }], runs: [], why: null };

  entered() {
    this.set({ question: this.given.question });
  }

  async run() {
    const { question, variants } = this.state;
    if (!question.trim()) return;
    this.given.page.note(question);
    this.set({ runs: variants.map(() => null), isBusy: true });
    await Promise.all(variants.map(async (draft, at) => {
      const run = await post("/v1/playground/runs", this.given.page.body(question, draft, [], draft.prompt)).catch((problem) => problem);
      this.set({ runs: this.state.runs.map((other, place) => (place === at ? run : other)) });
    }));
    this.set({ isBusy: false });
  }

  alter(at, name, value) {
    const variants = this.state.variants.map((one, place) => (place === at ? { ...one, [name]: value } : one));
    this.set({ variants });
  }

  render() {
    const { question, variants, runs, why, isBusy } = this.state;
    const own = this.given.assistant?.settings ?? {};
    const first = runs[0] && !(runs[0] instanceof Error) ? runs[0] : null;
    return h("div", { class: "content wide" },
      h("form", { class: "row search-row", onsubmit: (event) => { event.preventDefault(); this.run(); } },
        h("input", { type: "search", value: question, "aria-label": "Question", placeholder: "One question for all variants", maxlength: "4000", oninput: (event) => this.set({ question: event.target.value }), ready: (node) => node.focus() }),
        button("Add variant", () => this.set({ variants: [...variants, { ...variants.at(-1) }] }), "quiet", { disabled: variants.length >= VARIANTS_MAX }),
        h("button", { class: "primary", type: "submit", disabled: isBusy || !question.trim() }, "Run all")),
      h("div", { class: "variants" }, variants.map((draft, at) => h("section", { key: at, class: "variant", "aria-label": `Variant ${"ABCD"[at]}` },
        h("header", { class: "row" }, h("h2", {}, `Variant ${"ABCD"[at]}`), at === 0 ? h("span", { class: "soft" }, "the assistant as it is, unless changed") : null, h("span", { class: "spring" }),
          variants.length > 2 && at > 0 ? h("button", { type: "button", class: "bare", "aria-label": `Remove variant ${"ABCD"[at]}`, onclick: () => this.set({ variants: variants.filter((_, place) => place !== at), runs: [] }) }, icon("close")) : null),
        h("details", { open: at > 0 && !runs.length }, h("summary", {}, "Settings", h("span", { class: "soft" }, ` ${Object.keys(settingsOf(draft)).length + (draft.prompt ? 1 : 0) || "none"} changed`)),
          h("div", { class: "form" }, this.given.page.promptField(draft.prompt ?? "", (prompt) => this.alter(at, "prompt", prompt), `v${at}-prompt`), SETTINGS.slice(0, 7).map(([name, label, kind]) => field(label,
            kind === "text" ? h("textarea", { rows: "2", value: draft[name] ?? "", placeholder: own[name] ?? "", oninput: (event) => this.alter(at, name, event.target.value) })
              : h("input", { type: kind === "word" ? "text" : "number", step: kind === "share" ? "0.05" : "1", min: "0", value: draft[name] ?? "", placeholder: String(own[name] ?? ""), oninput: (event) => this.alter(at, name, event.target.value) }), { id: `v${at}-${name}` })))),
        this.result(runs, at, first)))),
      why ? h("fd-why", { key: "why", trace: why, close: () => this.set({ why: null }) }) : null);
  }

  result(runs, at, first) {
    if (!runs.length) return null;
    const run = runs[at];
    if (!run) return skeleton(3);
    if (run instanceof Error) return failure(run, () => this.run());
    return [h("p", { class: "row facts" }, decisionChip(run.decision, run.handoff_reason), confidence(run.confidence, run.trace.settings.confidence_min), h("span", { class: "soft" }, `${duration(run.trace.timings_ms.total ?? 0)} · ${money(run.cost_micro_usd)}`)),
      at > 0 && first && isAlike(first.content, run.content) ? diff(first.content, run.content) : h("fd-answer", { content: run.content, citations: run.citations, mayLink: toHostsOf(run.citations) }),
      at > 0 && first && first.content === run.content ? h("p", { class: "soft" }, "Word for word as A.") : null,
      button("Why?", () => this.set({ why: run.trace }), "quiet small")];
  }
}
customElements.define("fd-compare", Compare);

/** Many questions, one after the other; a person rates what came with 1, 2, 3. */
class Batch extends View {
  state = { text: "", rows: [], isRunning: false, why: null, datasets: [] };

  async entered() {
    const list = await get("/v1/evals/datasets?limit=50").catch(() => ({ data: [] }));
    this.set({ datasets: list.data });
  }

  /** Puts the questions of a dataset into the field. */
  async take(dataset) {
    if (!dataset) return;
    const list = new Stretches(`/v1/evals/datasets/${dataset}/cases`, { limit: 100 });
    await attempt(async () => {
      await list.first();
      while (list.hasMore && list.rows.length < BATCH_MAX) await list.more();
      this.set({ text: list.rows.slice(0, BATCH_MAX).map((one) => one.question.replaceAll("\n", " ")).join("\n") });
    });
  }

  async run() {
    const questions = this.state.text.split("\n").map((line) => line.trim()).filter(Boolean).slice(0, BATCH_MAX);
    if (!questions.length) return;
    this.set({ rows: questions.map((question, id) => ({ id, question })), isRunning: true });
    for (const row of this.state.rows) {
      if (!this.state.isRunning || !this.isConnected) break;
      row.run = await post("/v1/playground/runs", this.given.page.body(row.question)).catch((problem) => problem);
      this.set({ rows: [...this.state.rows] });
    }
    this.set({ isRunning: false });
  }

  rate(row, rating) {
    row.rating = row.rating === rating ? undefined : rating;
    this.set({ rows: [...this.state.rows] });
  }

  key(event) {
    const row = this.state.rows[Number(event.target.closest("tr")?.dataset.row)];
    if (RATINGS[event.key] && row?.run && !(row.run instanceof Error)) this.rate(row, event.key);
    const step = { j: 1, ArrowDown: 1, k: -1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const rows = [...this.querySelectorAll("tr[data-row]")];
    rows[rows.indexOf(event.target.closest("tr")) + step]?.focus();
  }

  lines() {
    return this.state.rows.filter((row) => row.run && !(row.run instanceof Error)).map((row) => JSON.stringify({
      question: row.question, answer: row.run.content, decision: row.run.decision, confidence: row.run.confidence, rating: row.rating ? RATINGS[row.rating][0] : null })).join("\n");
  }

  render() {
    const { text, rows, isRunning, why, datasets } = this.state;
    const done = rows.filter((row) => row.run);
    const rated = (key) => rows.filter((row) => row.rating === key).length;
    const answered = done.filter((row) => row.run.decision === "answer").length;
    return h("div", { class: "content wide" },
      h("div", { class: "form" }, field("Questions, one a line", h("textarea", { rows: "5", value: text, oninput: (event) => this.set({ text: event.target.value }), placeholder: "How long do refunds take?\nCan I change my order?" }), { hint: `At most ${BATCH_MAX}. They run one after the other with the settings of the chat.` }),
        h("div", { class: "row" }, isRunning ? button("Stop", () => this.set({ isRunning: false }), "quiet") : button("Run all", () => this.run(), "primary", { disabled: !text.trim() }),
          datasets.length ? select([["", "Questions of a dataset…"], ...datasets.map((one) => [one.id, `${one.name} (${one.cases})`])], "", (id) => this.take(id), { "aria-label": "Dataset" }) : null,
          done.length ? button("Copy as JSONL", () => copy(this.lines(), "Copied"), "quiet") : null,
          rows.length ? h("span", { class: "soft", role: "status" }, `${done.length} of ${rows.length} done · ${answered} answered · ${rated("1")} good, ${rated("2")} acceptable, ${rated("3")} poor`) : null)),
      rows.length ? h("div", { class: "table", onkeydown: (event) => this.key(event) }, h("table", { class: "batch" }, h("caption", {}, h("span", { class: "soft" }, "On a row: 1 good, 2 acceptable, 3 poor; J and K move")),
        h("thead", {}, h("tr", {}, ["Question", "Answer", "Confidence", "Rating"].map((title) => h("th", { scope: "col" }, title)))),
        h("tbody", {}, rows.map((row) => h("tr", { key: row.id, "data-row": row.id, tabindex: "0" },
          h("td", {}, row.question),
          h("td", {}, !row.run ? h("span", { class: "soft" }, "waiting") : row.run instanceof Error ? h("span", { class: "wrong" }, sentence(row.run.message))
            : [h("p", {}, row.run.content), button("Why?", () => this.set({ why: row.run.trace }), "bare small")]),
          h("td", {}, row.run && !(row.run instanceof Error) ? [decisionChip(row.run.decision), " ", confidence(row.run.confidence, row.run.trace.settings.confidence_min)] : null),
          h("td", {}, row.run && !(row.run instanceof Error) ? h("div", { class: "tabs", role: "group", "aria-label": "Rating" }, Object.entries(RATINGS).map(([key, [, title]]) =>
            h("button", { key, type: "button", "aria-pressed": String(row.rating === key), title: `${title} (${key})`, onclick: () => this.rate(row, key) }, title))) : null)))))) : null,
      why ? h("fd-why", { key: "why", trace: why, close: () => this.set({ why: null }) }) : null);
  }
}
customElements.define("fd-batch", Batch);
