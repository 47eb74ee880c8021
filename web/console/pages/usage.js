// Usage: tokens and money by day, assistant and model; what was handed to people, and why.

import { get, query } from "../api.js";
import { count, empty, failure, money, percent, remember, select, skeleton, table, word } from "../parts.js";
import { View, h } from "../view.js";

const DAY_MS = 86_400_000;
const MEASURES = { cost_micro_usd: ["Money", money], input_tokens: ["Tokens read", count], output_tokens: ["Tokens written", count], calls: ["Calls", count] };
const HEIGHT = 140;
/** Units of width a day takes in the plot. */
const STEP = 14;

class Usage extends View {
  state = { days: 30, measure: "cost_micro_usd", usage: null, assistants: [], problem: null };

  entered() {
    const params = new URLSearchParams(location.search);
    this.set({ days: Number(params.get("days")) || 30, measure: MEASURES[params.get("measure")] ? params.get("measure") : "cost_micro_usd" });
    this.load();
  }

  async load() {
    const from = new Date(Date.now() - (this.state.days - 1) * DAY_MS).toISOString().slice(0, 10);
    this.set({ problem: null });
    try {
      const [usage, assistants] = await Promise.all([get(query("/v1/usage", { from })), get("/v1/assistants").catch(() => ({ data: [] }))]);
      // Where nothing was paid, tokens say more.
      const isFree = !new URLSearchParams(location.search).has("measure") && usage.total.cost_micro_usd === 0;
      this.set({ usage, assistants: assistants.data, measure: isFree ? "input_tokens" : this.state.measure });
    } catch (problem) {
      this.set({ problem });
    }
  }

  render() {
    const { usage, problem, days, measure } = this.state;
    return h("div", { class: "content" }, h("header", { class: "page-head" }, h("h1", {}, "Usage"), h("span", { class: "spring" }),
      select(Object.entries(MEASURES).map(([name, [title]]) => [name, title]), measure, (next) => { this.set({ measure: next }); remember({ measure: next }); }, { "aria-label": "Measure" }),
      select([["7", "7 days"], ["30", "30 days"], ["90", "90 days"]], String(days), (next) => { this.set({ days: Number(next) }); remember({ days: next }); this.load(); }, { "aria-label": "Time" })),
      problem ? failure(problem, () => this.load()) : !usage ? skeleton(6) : [this.totals(usage.total), this.handoffs(usage), usage.data.length ? [this.plot(usage.data), this.table(usage.data)]
        : empty("No model was paid for", "Extractive answers quote your knowledge and cost nothing. When a model is connected, every call stands here with its tokens and price.")]);
  }

  totals(total) {
    return h("dl", { class: "totals" }, Object.entries(MEASURES).map(([name, [title, shown]]) => h("div", { key: name }, h("dt", {}, title), h("dd", {}, shown(total[name])))));
  }

  /** Each number opens the conversations it counts. */
  handoffs({ conversations, handoffs }) {
    if (!conversations) return null;
    return table("Handed to people, by reason", [["Handed to people because", (row) => word(row.reason)], ["Conversations", (row) => count(row.conversations), "num"], [`Of ${count(conversations)}`, (row) => percent(row.conversations / conversations), "num"]], handoffs,
      { key: (row) => row.reason, href: (row) => query("/inbox", { tab: "all", reason: row.reason }) });
  }

  /** One bar a day; the table beneath holds the same figures. */
  plot(data) {
    const { days, measure } = this.state;
    const [title, shown] = MEASURES[measure];
    const names = Array.from({ length: days }, (_, at) => new Date(Date.now() - (days - 1 - at) * DAY_MS).toISOString().slice(0, 10));
    const sums = names.map((day) => data.filter((row) => row.day === day).reduce((sum, row) => sum + row[measure], 0));
    const largest = Math.max(0, ...sums);
    const most = Math.max(1, largest);
    return h("figure", { class: "plot" }, h("svg", { viewBox: `0 0 ${days * STEP} ${HEIGHT}`, role: "img", "aria-label": `${title} by day, at most ${shown(largest)}`, preserveAspectRatio: "none" },
      sums.map((sum, at) => h("rect", { key: names[at], x: at * STEP + 2, width: STEP - 4, y: HEIGHT - (HEIGHT * sum) / most, height: (HEIGHT * sum) / most, rx: 2 }, h("title", {}, `${names[at]}: ${shown(sum)}`)))),
      h("figcaption", { class: "row soft" }, h("span", {}, names[0]), h("span", { class: "spring" }), h("span", {}, `at most ${shown(largest)}`), h("span", { class: "spring" }), h("span", {}, names.at(-1))));
  }

  table(data) {
    const name = (id) => this.state.assistants.find((one) => one.id === id)?.name ?? "–";
    return table("By day, assistant and model", [["Day", (row) => row.day], ["Assistant", (row) => name(row.assistant_id)], ["Model", (row) => row.model], ["Calls", (row) => count(row.calls), "num"], ["Read", (row) => count(row.input_tokens), "num wide-only"], ["Written", (row) => count(row.output_tokens), "num wide-only"], ["Money", (row) => money(row.cost_micro_usd), "num"]], data,
      { key: (row) => `${row.day}-${row.assistant_id}-${row.model}` });
  }
}
customElements.define("fd-usage", Usage);
