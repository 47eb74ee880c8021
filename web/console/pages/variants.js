// The playground's comparison of variants, and its batches.

import { Stretches, get, post, put, remove } from "../api.js";
import { diff, isAlike } from "../diff.js";
import { toHostsOf } from "../markdown.js";
import { attempt, button, confidence, copy, decisionChip, duration, failure, field, icon, money, remember, select, sentence, skeleton, tabs } from "../parts.js";
import { View, h } from "../view.js";
import { SETTINGS, settingsOf } from "./playground.js";

/** Variants beside each other at most. */
const VARIANTS_MAX = 4;
/** Questions of a batch at most. */
const BATCH_MAX = 200;
const BATCHES = "/v1/playground/batches";
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

/** Many questions, one after the other; a person rates what came with 1, 2, 3, and finds it here again. */
class Batch extends View {
  state = { text: "", rows: [], isRunning: false, why: null, datasets: [], kept: [], batch: null };

  async entered() {
    const rowsOf = (path) => get(path).then((list) => list.data, () => []);
    const [datasets, kept] = await Promise.all([rowsOf("/v1/evals/datasets?limit=50"), rowsOf(`${BATCHES}?limit=50`)]);
    this.set({ datasets, kept });
    await this.show(new URLSearchParams(location.search).get("batch"));
  }

  left() {
    remember({ batch: "" });
  }

  /** All rows of a list, as far as a batch can hold them. */
  async all(path) {
    const list = new Stretches(path, { limit: 100 });
    await list.first();
    while (list.hasMore && list.rows.length < BATCH_MAX) await list.more();
    return list.rows.slice(0, BATCH_MAX);
  }

  /** Puts the questions of a dataset into the field. */
  take(dataset) {
    if (dataset) attempt(async () => this.ask(await this.all(`/v1/evals/datasets/${dataset}/cases`)));
  }

  ask(rows) {
    this.set({ text: rows.map((one) => one.question.replaceAll("\n", " ")).join("\n") });
  }

  /** A batch that was kept, with its ratings. */
  show(id) {
    if (!id) return undefined;
    return attempt(async () => {
      const [batch, answers] = await Promise.all([get(`${BATCHES}/${id}`), this.all(`${BATCHES}/${id}/answers`)]);
      this.ask(answers);
      this.begin(batch, answers.map((answer, at) => ({ id: at, question: answer.question, answer })));
    });
  }

  begin(batch, rows) {
    remember({ batch: batch.id });
    this.set({ batch, rows, kept: [batch, ...this.state.kept.filter((one) => one.id !== batch.id)].sort((a, b) => b.created_at.localeCompare(a.created_at)) });
  }

  async run() {
    const questions = this.state.text.split("\n").map((line) => line.trim()).filter(Boolean).slice(0, BATCH_MAX);
    const { question, history, ...trial } = this.given.page.body("");
    const batch = questions.length ? await attempt(() => post(BATCHES, trial)) : undefined;
    if (!batch) return;
    this.begin(batch, questions.map((asked, id) => ({ id, question: asked })));
    this.set({ isRunning: true });
    for (const row of this.state.rows) {
      if (!this.state.isRunning || !this.isConnected) break;
      await post(`${BATCHES}/${batch.id}/answers`, { question: row.question }).then((answer) => { row.answer = answer; }, (problem) => { row.problem = problem; });
      this.set({ rows: [...this.state.rows] });
    }
    this.set({ isRunning: false });
  }

  path({ answer }) {
    return `${BATCHES}/${answer.batch_id}/answers/${answer.seq}`;
  }

  /** A rating is shown once it is kept. */
  async rate(row, key) {
    const rating = row.answer.rating === RATINGS[key][0] ? null : RATINGS[key][0];
    if (!(await attempt(() => put(`${this.path(row)}/rating`, { rating })))) return;
    row.answer = { ...row.answer, rating };
    this.set({ rows: [...this.state.rows] });
  }

  why(row) {
    attempt(async () => this.set({ why: row.answer.trace ?? (await get(this.path(row))).trace }));
  }

  async drop() {
    const { batch, kept } = this.state;
    if ((await attempt(() => remove(`${BATCHES}/${batch.id}`))) === undefined) return;
    remember({ batch: "" });
    this.set({ batch: null, rows: [], kept: kept.filter((one) => one.id !== batch.id) });
  }

  key(event) {
    const row = this.state.rows[Number(event.target.closest("tr")?.dataset.row)];
    if (RATINGS[event.key] && row?.answer) this.rate(row, event.key);
    const step = { j: 1, ArrowDown: 1, k: -1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const rows = [...this.querySelectorAll("tr[data-row]")];
    rows[rows.indexOf(event.target.closest("tr")) + step]?.focus();
  }

  lines() {
    return this.state.rows.filter((row) => row.answer).map(({ question, answer }) => JSON.stringify({ question, answer: answer.content, decision: answer.decision, confidence: answer.confidence, rating: answer.rating })).join("\n");
  }

  render() {
    const { text, rows, isRunning, why, datasets, kept, batch } = this.state;
    const done = rows.filter((row) => row.answer || row.problem);
    const rated = (rating) => rows.filter((row) => row.answer?.rating === rating).length;
    const answered = rows.filter((row) => row.answer?.decision === "answer").length;
    const threshold = batch?.settings.confidence_min ?? this.given.assistant?.settings.confidence_min;
    return h("div", { class: "content wide" },
      h("div", { class: "form" }, field("Questions, one a line", h("textarea", { rows: "5", value: text, oninput: (event) => this.set({ text: event.target.value }), placeholder: "How long do refunds take?\nCan I change my order?" }), { hint: `At most ${BATCH_MAX}. They run one after the other with the settings of the chat; answers and ratings are kept.` }),
        h("div", { class: "row" }, isRunning ? button("Stop", () => this.set({ isRunning: false }), "quiet") : button("Run all", () => this.run(), "primary", { disabled: !text.trim() }),
          datasets.length ? select([["", "Questions of a dataset…"], ...datasets.map((one) => [one.id, `${one.name} (${one.cases})`])], "", (id) => this.take(id), { "aria-label": "Dataset" }) : null,
          kept.length && !isRunning ? select([["", "Earlier batches…"], ...kept.map((one) => [one.id, new Date(one.created_at).toLocaleString("en", { dateStyle: "medium", timeStyle: "short" })])], batch?.id ?? "", (id) => this.show(id), { "aria-label": "Batch" }) : null,
          done.length ? [button("Copy as JSONL", () => copy(this.lines(), "Copied"), "quiet"), isRunning ? null : button("Delete", () => this.drop(), "danger quiet")] : null),
        rows.length ? h("p", { class: "soft", role: "status" }, `${done.length} of ${rows.length} done · ${answered} answered · ${rated("good")} good, ${rated("acceptable")} acceptable, ${rated("poor")} poor`) : null),
      rows.length ? h("div", { class: "table", onkeydown: (event) => this.key(event) }, h("table", { class: "batch" }, h("caption", {}, h("span", { class: "soft" }, "On a row: 1 good, 2 acceptable, 3 poor; J and K move")),
        h("thead", {}, h("tr", {}, ["Question", "Answer", "Confidence", "Rating"].map((title) => h("th", { scope: "col" }, title)))),
        h("tbody", {}, rows.map((row) => h("tr", { key: row.id, "data-row": row.id, tabindex: "0" }, h("td", {}, row.question), this.cells(row, threshold)))))) : null,
      why ? h("fd-why", { key: "why", trace: why, close: () => this.set({ why: null }) }) : null);
  }

  cells(row, threshold) {
    const { answer, problem } = row;
    if (!answer) return h("td", { colspan: "3" }, problem ? h("span", { class: "wrong" }, sentence(problem.message)) : h("span", { class: "soft" }, "waiting"));
    return [h("td", {}, h("p", {}, answer.content), button("Why?", () => this.why(row), "bare small")),
      h("td", {}, decisionChip(answer.decision), " ", confidence(answer.confidence, threshold)),
      h("td", {}, tabs("Rating", Object.entries(RATINGS).map(([key, [, title]]) => [key, title]), Object.keys(RATINGS).find((key) => RATINGS[key][0] === answer.rating), (key) => this.rate(row, key)))];
  }
}
customElements.define("fd-batch", Batch);
