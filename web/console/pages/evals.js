// Evals: datasets and runs, one run with its plots and cases, two runs side by side.

import { Stretches, change, get, post } from "../api.js";
import { ago, attempt, button, chip, confidence, count, decisionChip, drawer, empty, failure, field, more, percent, plural, remember, select, skeleton, stateChip, table, toast, word } from "../parts.js";
import { View, h } from "../view.js";
import { diff } from "../diff.js";

/** Cases shown before more are asked for. */
const CASES_SHOWN = 25;
/** Sides of a plot and the room for its figures, in units of its own. */
const [SIDE, ROOM] = [260, 34];
const TONES = { right_answer: "good", right_handoff: "good", needless_handoff: "warn", wrong_answer: "bad" };
/** Milliseconds between two looks at runs that go on. */
const LOOK_MS = 2_000;

const verdictChip = (verdict) => chip(word(verdict), TONES[verdict] ?? "");
const figure = (value, name = "") => (/latency|_ms/.test(name) ? `${Math.round(value)} ms` : /cost/.test(name) ? count(Math.round(value)) : value.toFixed(3));
const head = (...actions) => h("header", { class: "page-head" }, h("h1", {}, "Evals"), h("span", { class: "spring" }), actions);
const backLink = () => h("a", { class: "button", href: "/evals" }, "All runs");

class Evals extends View {
  render() {
    const [part, id] = this.given.path.split("/");
    const tag = part === "runs" ? "fd-eval-run" : part === "compare" ? "fd-eval-compare" : "fd-eval-list";
    return h("div", { class: "content" }, h(tag, { key: part + (id ?? ""), id, search: this.given.search, me: this.given.me }));
  }
}
customElements.define("fd-evals", Evals);

class List extends View {
  state = { datasets: null, runs: null, picked: [], problem: null, isAdding: false, days: "30", name: "" };

  entered() {
    this.load();
  }

  left() {
    clearTimeout(this.timer);
  }

  async load() {
    try {
      const [datasets, runs] = [new Stretches("/v1/evals/datasets"), new Stretches("/v1/evals/runs")];
      await Promise.all([datasets.first(), runs.first()]);
      this.set({ datasets, runs, problem: null });
      clearTimeout(this.timer);
      if (runs.rows.some((run) => run.state === "running")) this.timer = setTimeout(() => this.isConnected && this.load(), LOOK_MS);
    } catch (problem) {
      this.set({ problem });
    }
  }

  async run(dataset) {
    if (await attempt(() => post("/v1/evals/runs", { dataset: dataset.id }))) {
      toast(`Asking ${plural(dataset.cases, "question")}.`);
      this.load();
    }
  }

  async collect() {
    const { name, days } = this.state;
    const made = await attempt(() => post("/v1/evals/datasets", { name, conversations: { days: Number(days) } }));
    if (!made) return;
    this.set({ isAdding: false, name: "" });
    toast(`${plural(made.cases, "question")} collected.`);
    this.load();
  }

  pick(id) {
    const { picked } = this.state;
    this.set({ picked: picked.includes(id) ? picked.filter((one) => one !== id) : [...picked.slice(-1), id] });
  }

  render() {
    const { datasets, runs, picked, problem, isAdding, name, days } = this.state;
    const actions = button("New dataset", () => this.set({ isAdding: true }), "quiet");
    if (problem) return [head(), failure(problem, () => this.load())];
    if (!datasets) return [head(), skeleton(7)];
    const named = Object.fromEntries(datasets.rows.map((one) => [one.id, one.name]));
    const pair = [...picked].sort((a, b) => runs.rows.findIndex((run) => run.id === b) - runs.rows.findIndex((run) => run.id === a));
    return [head(actions),
      datasets.rows.length ? table("Datasets", [["Dataset", (row) => row.name], ["Questions", (row) => count(row.cases), "num"], ["From", (row) => word(row.origin), "wide-only"], ["Made", (row) => ago(row.created_at), "num wide-only"], ["", (row) => button("Run", () => this.run(row), "quiet small", { "aria-label": `Run ${row.name}` }), "num"]], datasets.rows)
        : empty("No datasets yet", "A dataset is questions with what is known of their right answers. Collect one from what customers asked, or run `frontdesk eval run DATASET`.", button("Collect from conversations", () => this.set({ isAdding: true }), "primary")),
      more(datasets, async () => { await attempt(() => datasets.more()); this.update(); }),
      h("div", { class: "row" }, h("h2", {}, "Runs"), h("span", { class: "spring" }), picked.length === 2 ? h("a", { class: "button primary", href: `/evals/compare?before=${pair[0]}&after=${pair[1]}` }, "Compare the two") : h("span", { class: "soft" }, runs.rows.length > 1 ? "Pick two to compare." : "")),
      runs.rows.length ? table("Runs", [
        ["Dataset", (row) => named[row.dataset_id] ?? "a dataset"],
        ["State", (row) => (row.state === "running" ? chip(`${count(row.cases_done)} of ${count(row.cases_total)}`, "info") : stateChip(row.state))],
        ["Right", (row) => (row.summary.good_rate === undefined ? "–" : percent(row.summary.good_rate)), "num"],
        ["Begun", (row) => ago(row.created_at), "num"],
        ["", (row) => (row.state === "completed" ? h("input", { type: "checkbox", checked: picked.includes(row.id), "aria-label": `Pick the run of ${new Date(row.created_at).toLocaleString()}`, onchange: () => this.pick(row.id) }) : null), "num"],
      ], runs.rows, { href: (row) => `/evals/runs/${row.id}` }) : h("p", { class: "soft" }, "No runs yet. A run asks each question through the same pipeline that customers get, and stores nothing in conversations."),
      more(runs, async () => { await attempt(() => runs.more()); this.update(); }),
      isAdding ? drawer("New dataset", h("form", { class: "form", onsubmit: (event) => { event.preventDefault(); this.collect(); } },
        h("p", {}, "Collects what customers asked, with the answers that were rated or that a person gave."),
        field("Name", h("input", { type: "text", required: true, value: name, maxlength: "100", oninput: (event) => this.set({ name: event.target.value }) })),
        field("Days back", h("input", { type: "number", min: "1", max: "365", value: days, oninput: (event) => this.set({ days: event.target.value }) })),
        h("div", { class: "row" }, h("button", { type: "submit", class: "primary", disabled: !name.trim() }, "Collect"))), () => this.set({ isAdding: false })) : null];
  }
}
customElements.define("fd-eval-list", List);

class Run extends View {
  state = { run: null, report: null, assistant: null, problem: null, threshold: null, verdict: "", shown: CASES_SHOWN, open: null };

  entered() {
    this.state.verdict = new URLSearchParams(location.search).get("verdict") ?? "";
    this.load();
  }

  left() {
    clearTimeout(this.timer);
  }

  async load() {
    try {
      const run = await get(`/v1/evals/runs/${this.given.id}`);
      this.set({ run, problem: null });
      if (run.state === "running") this.timer = setTimeout(() => this.isConnected && this.load(), LOOK_MS);
      if (run.state !== "completed") return;
      const [report, assistant] = await Promise.all([get(`/v1/evals/runs/${run.id}/report`), get(`/v1/assistants/${run.assistant_id}`)]);
      this.set({ report, assistant, threshold: assistant.settings.confidence_min });
    } catch (problem) {
      this.set({ problem });
    }
  }

  /** What answering from `threshold` on would have meant on these questions. */
  at(threshold) {
    const { labels } = this.state.report;
    const answered = labels.filter((label) => label.confidence >= threshold);
    const wrong = answered.filter((label) => !label.right).length;
    return { coverage: labels.length ? answered.length / labels.length : 0, risk: answered.length ? wrong / answered.length : 0, wrong, answered: answered.length };
  }

  async use() {
    const { assistant, threshold } = this.state;
    const before = assistant.settings.confidence_min;
    const set = async (value) => this.set({ assistant: await change(`/v1/assistants/${assistant.id}`, { settings: { confidence_min: value } }) });
    if ((await attempt(async () => { await set(threshold); return true; }))) toast(`${assistant.name} answers from ${threshold.toFixed(2)} on.`, () => set(before));
  }

  render() {
    const { run, report, problem } = this.state;
    if (problem) return [head(backLink()), failure(problem, () => this.load())];
    if (!run) return [head(backLink()), skeleton(8)];
    const top = head(report ? h("a", { class: "button", href: `/v1/evals/runs/${run.id}/report?format=html`, target: "_blank", rel: "noopener" }, "Report") : null, backLink());
    if (run.state === "failed") return [top, failure({ message: run.error ?? "the run failed" })];
    if (!report) return [top, run.state === "running" ? h("section", { class: "progress" }, h("progress", { max: String(Math.max(1, run.cases_total)), value: String(run.cases_done), "aria-label": "Questions asked" }), h("p", { role: "status" }, `${count(run.cases_done)} of ${plural(run.cases_total, "question")}`)) : skeleton(8)];
    return [top, h("p", { class: "row facts" }, h("strong", {}, report.run.dataset), chip(plural(report.run.cases, "question")), Object.entries(report.verdicts).map(([verdict, cases]) => h("span", { key: verdict, class: "row facts" }, verdictChip(verdict), count(cases))), ago(run.created_at)),
      h("div", { class: "plots" }, this.risk(), this.reliability()), this.metrics(), this.cases()];
  }

  risk() {
    const { report, threshold, assistant } = this.state;
    if (!report.labels.length) return null;
    const now = this.at(threshold);
    const curve = report.risk_coverage.length ? report.risk_coverage : [];
    const most = Math.max(0.1, ...curve.map((place) => place.risk));
    const y = (risk) => ROOM / 2 + (1 - risk / most) * SIDE;
    const x = (coverage) => ROOM + coverage * SIDE;
    const isChanged = Math.abs(threshold - assistant.settings.confidence_min) > 0.004;
    const isAdmin = this.given.me.scopes.includes("admin");
    return h("figure", { class: "sheet" }, h("h2", {}, "Risk and coverage"),
      plot("How many answers are wrong when only the surest are given", `Along: share answered. Up: share of wrong answers, to ${percent(most)}.`, ["answered", `wrong, to ${percent(most)}`],
        h("polyline", { class: "curve", points: curve.map((place) => `${x(place.coverage)},${y(place.risk)}`).join(" ") }), h("line", { class: "drop", x1: x(now.coverage), x2: x(now.coverage), y1: y(most), y2: y(0) }), h("circle", { class: "spot", cx: x(now.coverage), cy: y(now.risk), r: 6 })),
      h("label", { class: "field" }, h("span", {}, "Answer from this confidence on"), h("input", { type: "range", min: "0", max: "1", step: "0.01", value: String(threshold), "aria-describedby": "at-threshold", oninput: (event) => this.set({ threshold: Number(event.target.value) }) })),
      h("p", { id: "at-threshold", role: "status" }, h("strong", {}, `At ${threshold.toFixed(2)}: `), `${percent(now.coverage)} answered, ${(now.risk * 100).toFixed(1)} % of them wrong `, h("span", { class: "soft" }, `(${now.wrong} of ${now.answered})`)),
      h("p", { class: "row" }, isAdmin ? button(isChanged ? `Use ${threshold.toFixed(2)} for ${assistant.name}` : `${assistant.name} uses it`, () => this.use(), "primary", { disabled: !isChanged }) : null, isChanged ? h("span", { class: "soft" }, `now ${assistant.settings.confidence_min.toFixed(2)}`) : null),
      data(["From", "Answered", "Wrong"], curve.map((place) => [place.threshold.toFixed(2), percent(place.coverage), percent(place.risk)])));
  }

  reliability() {
    const { report } = this.state;
    const bins = report.calibration?.bins_after ?? binned(report.labels);
    const [x, y] = [(value) => ROOM + value * SIDE, (value) => ROOM / 2 + (1 - value) * SIDE];
    return h("figure", { class: "sheet" }, h("h2", {}, "Reliability"),
      bins.length ? plot("Whether answers are right as often as their confidence says", "Along: mean confidence of a bin. Up: share that was right. On the diagonal they agree.", ["confidence", "right"],
        h("line", { class: "drop", x1: x(0), y1: y(0), x2: x(1), y2: y(1) }), bins.map((bin, at) => h("circle", { key: at, class: "spot", cx: x(bin.confidence), cy: y(bin.right), r: 3 + Math.min(7, Math.sqrt(bin.labels)) }))) : null,
      h("p", { class: "soft" }, report.calibration ? `Calibrated on ${plural(report.labels.length, "label")}.` : report.calibration_refused ?? "Not calibrated: too few questions with a known answer."),
      data(["Confidence", "Right", "Labels"], bins.map((bin) => [bin.confidence.toFixed(2), percent(bin.right), count(bin.labels)])));
  }

  metrics() {
    const share = (value) => `${Math.max(0, Math.min(100, value * 100))}%`;
    return table("Scores", [["Score", (row) => h("span", { title: row.about }, word(row.name))], ["Value", (row) => figure(row.value, row.name), "num"],
      ["95 % interval", (row) => (row.interval ? `${figure(row.interval.low, row.name)} – ${figure(row.interval.high, row.name)}` : "–"), "num"],
      ["", (row) => (row.interval && row.interval.high <= 1 && row.value <= 1 ? h("span", { class: "forest", "aria-hidden": "true" }, h("i", { style: { left: share(row.interval.low), width: share(row.interval.high - row.interval.low) } }), h("b", { style: { left: share(row.value) } })) : null), "wide-only"], ["Cases", (row) => count(row.cases), "num wide-only"]],
    this.state.report.metrics, { key: (row) => row.name });
  }

  cases() {
    const { report, verdict, shown, open } = this.state;
    const rows = report.cases.filter((one) => !verdict || one.verdict === verdict);
    return h("section", { class: "form" }, h("div", { class: "row" }, h("h2", {}, "Questions"), h("span", { class: "spring" }), select([["", "All verdicts"], ...Object.keys(report.verdicts).map((one) => [one, word(one)])], verdict, (next) => { remember({ verdict: next }); this.set({ verdict: next, shown: CASES_SHOWN }); }, { "aria-label": "Verdict" })),
      rows.length ? table("Questions", [["Question", (row) => button(row.case.question, () => this.set({ open: row }), "bare start")], ["Verdict", (row) => verdictChip(row.verdict)], ["Confidence", (row) => confidence(row.outcome.confidence)], ["Took", (row) => figure(row.outcome.latency_ms, "_ms"), "num wide-only"]], rows.slice(0, shown), { key: (row) => row.case.id }) : h("p", { class: "soft" }, "The report keeps no such questions."),
      rows.length > shown ? h("p", { class: "center" }, button("Show more", () => this.set({ shown: shown + CASES_SHOWN }), "quiet")) : null,
      open ? drawer(open.case.question, [h("p", { class: "row facts" }, verdictChip(open.verdict), decisionChip(open.outcome.decision, open.outcome.handoff_reason), confidence(open.outcome.confidence)),
        h("h3", {}, "What was said"), h("p", { class: "prose" }, open.outcome.answer || open.outcome.error || "Nothing."),
        open.case.answer ? [h("h3", {}, "A right answer"), h("p", {}, open.case.answer)] : null,
        h("h3", {}, "Scores"), h("p", { class: "row facts" }, Object.entries(open.scores).map(([name, value]) => chip(`${word(name)} ${figure(value, name)}`))),
        open.trace ? h("fd-trace", { trace: open.trace }) : h("p", { class: "soft" }, "The report keeps traces of what went wrong; this one went as it should.")], () => this.set({ open: null })) : null);
  }
}
customElements.define("fd-eval-run", Run);

/** Bins of equal size over raw labels, where no calibration made any. */
function binned(labels) {
  const sorted = [...labels].sort((a, b) => a.confidence - b.confidence);
  const size = Math.max(1, Math.ceil(sorted.length / 8));
  return Array.from({ length: Math.ceil(sorted.length / size) }, (_, at) => sorted.slice(at * size, (at + 1) * size))
    .map((bin) => ({ labels: bin.length, confidence: bin.reduce((sum, one) => sum + one.confidence, 0) / bin.length, right: bin.filter((one) => one.right).length / bin.length }));
}

function plot(title, description, [along, up], ...marks) {
  const [end, low] = [ROOM + SIDE, ROOM / 2 + SIDE];
  return h("svg", { class: "plot square", viewBox: `0 0 ${end + ROOM / 2} ${low + ROOM}`, role: "img", "aria-label": `${title}. ${description}` },
    h("path", { class: "axes", d: `M${ROOM} ${ROOM / 2}V${low}H${end}` }), [0, 0.5, 1].map((value) => h("text", { key: value, x: ROOM + value * SIDE, y: low + 14, "text-anchor": "middle" }, percent(value))),
    h("text", { x: ROOM + SIDE / 2, y: low + 28, "text-anchor": "middle" }, along), h("text", { transform: `translate(14 ${ROOM / 2 + SIDE / 2}) rotate(-90)`, "text-anchor": "middle" }, up), marks);
}

const data = (names, rows) => h("details", {}, h("summary", {}, "Data"), table(names[0], names.map((name, at) => [name, (row) => row[at], "num"]), rows.map((row, id) => Object.assign(row, { id }))));

class Compare extends View {
  state = { found: null, problem: null };

  async entered() {
    const params = new URLSearchParams(location.search);
    try {
      this.set({ found: await get(`/v1/evals/compare?before=${params.get("before")}&after=${params.get("after")}`) });
    } catch (problem) {
      this.set({ problem });
    }
  }

  render() {
    const { found, problem } = this.state;
    const params = new URLSearchParams(location.search);
    const top = head(h("a", { class: "button", href: `/evals/runs/${params.get("before")}` }, "Before"), h("a", { class: "button", href: `/evals/runs/${params.get("after")}` }, "After"), backLink());
    if (problem) return [top, failure(problem)];
    if (!found) return [top, skeleton(8)];
    const worse = found.flips.filter((flip) => flip.change === "regressed").length;
    const most = Math.max(0.01, ...found.metrics.filter((row) => row.interval && Math.abs(row.difference) <= 1).flatMap((row) => [Math.abs(row.interval.low), Math.abs(row.interval.high)]));
    const place = (value) => `${50 + Math.max(-50, Math.min(50, (value / most) * 50))}%`;
    return [top, h("p", { role: "status" }, h("strong", {}, worse ? `${plural(worse, "question")} went worse. ` : "Nothing went worse. "), h("span", { class: "soft" }, `${plural(found.cases, "question")} in both runs${found.unmatched ? `, ${found.unmatched} in only one` : ""}.`)),
      h("h2", {}, "What went otherwise"),
      found.flips.length ? found.flips.map((flip) => h("details", { key: flip.case_id, class: "card", open: flip.change === "regressed" }, h("summary", {}, chip(word(flip.change), { regressed: "bad", fixed: "good", improved: "good" }[flip.change] ?? "warn"), " ", h("strong", {}, flip.case_id), " ", verdictChip(flip.before), " → ", verdictChip(flip.after)), diff(flip.answer_before, flip.answer_after))) : h("p", { class: "soft" }, "No question."),
      table("Differences", [["Score", (row) => word(row.metric)], ["Before", (row) => figure(row.before, row.metric), "num"], ["After", (row) => figure(row.after, row.metric), "num"], ["Difference", (row) => `${row.difference > 0 ? "+" : ""}${figure(row.difference, row.metric)}`, "num"],
        ["95 % interval", (row) => (row.interval && Math.abs(row.difference) <= 1 ? h("span", { class: "forest zero", title: `${figure(row.interval.low)} – ${figure(row.interval.high)}` }, h("i", { style: { left: place(row.interval.low), width: `calc(${place(row.interval.high)} - ${place(row.interval.low)})` } }), h("b", { style: { left: place(row.difference) } }), h("span", { class: "sr" }, `${figure(row.interval.low)} to ${figure(row.interval.high)}`)) : "–")],
        ["p", (row) => row.p_adjusted.toFixed(3), "num wide-only"], ["", (row) => (row.is_significant ? chip("found", "info") : null), "wide-only"]], found.metrics, { key: (row) => row.metric })];
  }
}
customElements.define("fd-eval-compare", Compare);
