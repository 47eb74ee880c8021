// The one trace view: everything that led to an answer, from the question to the decision.

import { get } from "./api.js";
import { markdown } from "./markdown.js";
import { chip, confidence, copy, button, count, decisionChip, drawer, duration, failure, percent, score, sentence, skeleton, word } from "./parts.js";
import { View, h } from "./view.js";

/** The order of the pipeline; steps it does not name come at the end. */
const ORDER = ["load", "understand", "recall", "retrieve", "budget", "fit", "generate", "verify", "judge", "decide"];
/** Passages shown before the rest is asked for. */
const PASSAGES_SHOWN = 6;
/** Letters of a word that is looked for in a passage at least. */
const TERM_LETTERS_MIN = 3;

const texts = new Map();

/** The exact bytes of a document version, as citations and passages point to them. */
export async function bytesOf({ document_id, version, start, end }) {
  const key = `${document_id}@${version}`;
  if (!texts.has(key)) texts.set(key, get(`/v1/documents/${document_id}?version=${version}`).then((document) => new TextEncoder().encode(document.text)));
  try {
    return new TextDecoder().decode((await texts.get(key)).slice(start, end));
  } catch (problem) {
    texts.delete(key);
    throw problem;
  }
}

/** The text with the words of the question marked. */
export function marked(text, question) {
  const terms = new Set((question.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? []).filter((term) => term.length >= TERM_LETTERS_MIN).map((term) => term.slice(0, 5)));
  return text.replace(/^#+ /gm, "").split(/([\p{L}\p{N}]+)/u).map((part) => (terms.has(part.toLowerCase().slice(0, 5)) && part.length >= TERM_LETTERS_MIN ? h("mark", {}, part) : part));
}

class Trace extends View {
  state = { shown: PASSAGES_SHOWN, opened: {} };

  changed() {
    this.state = { shown: PASSAGES_SHOWN, opened: {} };
  }

  render() {
    const { trace } = this.given;
    if (!trace) return skeleton(8);
    return h("div", { class: "trace" },
      this.question(trace), waterfall(trace.timings_ms ?? {}), this.passages(trace), prompt(trace), completion(trace), claims(trace), sureness(trace), decision(trace),
      h("p", { class: "row" }, button("Copy trace as JSON", () => copy(JSON.stringify(trace, null, 2), "Trace copied"), "quiet small")));
  }

  question(trace) {
    const isRewritten = trace.standalone_query && trace.standalone_query !== trace.question;
    return part("Question", [
      h("p", { class: "asked" }, trace.question),
      isRewritten ? h("p", {}, h("span", { class: "soft" }, "understood as "), trace.standalone_query) : null,
      h("p", { class: "row facts" },
        chip(`language ${trace.language ?? "unknown"}`), chip(`knowledge version ${count(trace.knowledge_version)}`),
        trace.window.messages.length ? chip(`${trace.window.messages.length} earlier messages, ${count(trace.window.tokens)} tokens`) : null,
        trace.degraded ? chip(trace.degraded, "warn") : null),
      trace.recalled_facts.length ? h("ul", { class: "plain-list" }, trace.recalled_facts.map((fact) => h("li", {}, "remembered: ", fact.text, h("span", { class: "soft" }, ` ${score(fact.score)}`)))) : null,
    ]);
  }

  passages(trace) {
    const all = trace.candidates;
    const top = (name) => Math.max(...all.map((one) => one[name]?.score ?? 0), 1e-9);
    const tops = { dense: top("dense"), bm25: top("bm25"), fused: top("fused") };
    const used = all.filter((one) => one.in_prompt).length;
    return part("Passages", [
      all.length ? null : h("p", { class: "soft" }, "Nothing was found. The knowledge holds no passage with these words."),
      h("ol", { class: "passages" }, all.slice(0, this.state.shown).map((one) => this.passage(one, tops, trace))),
      all.length > this.state.shown ? button(`Show ${all.length - this.state.shown} more`, () => this.set({ shown: all.length }), "quiet small") : null,
    ], `${all.length} found, ${used} read`);
  }

  passage(one, tops, trace) {
    const opened = this.state.opened[one.chunk_id];
    return h("li", { key: one.chunk_id, class: one.in_prompt ? "in" : "" },
      h("button", { type: "button", class: "passage-head", "aria-expanded": String(Boolean(opened)), onclick: () => this.toggle(one) },
        h("span", { class: "rank" }, one.reranked?.rank ?? one.fused?.rank ?? "–"),
        h("span", { class: "where" }, one.title, one.heading_path ? h("span", { class: "soft" }, ` › ${one.heading_path}`) : null)),
      h("div", { class: "scores" },
        bar("dense", one.dense, tops.dense), bar("bm25", one.bm25, tops.bm25), bar("fused", one.fused, tops.fused),
        one.in_prompt ? chip("read", "good") : chip(one.dropped_because ?? "not read")),
      opened ? h("div", { class: "passage-text" }, opened instanceof Error ? failure(opened) : opened === true ? skeleton(2) : h("p", {}, marked(opened, trace.standalone_query || trace.question))) : null);
  }

  async toggle(one) {
    const { opened } = this.state;
    if (opened[one.chunk_id]) return this.set({ opened: { ...opened, [one.chunk_id]: undefined } });
    this.set({ opened: { ...opened, [one.chunk_id]: true } });
    const text = await bytesOf(one).catch((problem) => problem);
    this.set({ opened: { ...this.state.opened, [one.chunk_id]: text } });
  }
}
customElements.define("fd-trace", Trace);

const part = (title, content, note) => h("section", { key: title }, h("h2", {}, title, note ? h("span", { class: "soft" }, note) : null), content);

function bar(name, rank, top) {
  const label = { dense: "meaning", bm25: "words", fused: "together" }[name];
  if (!rank) return h("span", { class: "score none" }, h("span", {}, label), h("b", {}, "–"));
  return h("span", { class: ["score", name], title: `${label}: rank ${rank.rank}, score ${rank.score}` }, h("span", {}, label),
    h("span", { class: "meter", "aria-hidden": "true" }, h("i", { style: { width: `${Math.max(2, (100 * rank.score) / top)}%` } })), h("b", {}, score(rank.score)));
}

/** The steps one after the other, each as wide as it took long. */
function waterfall(timings) {
  const place = (name) => (ORDER.includes(name) ? ORDER.indexOf(name) : ORDER.length);
  const names = Object.keys(timings).filter((name) => name !== "total").sort((a, b) => place(a) - place(b));
  const total = Math.max(timings.total ?? 0, names.reduce((sum, name) => sum + timings[name], 0), 1e-9);
  let begin = 0;
  const rows = names.map((name) => {
    const left = (100 * begin) / total;
    begin += timings[name];
    return h("tr", { key: name }, h("th", { scope: "row" }, name),
      h("td", { class: "lane" }, h("i", { "aria-hidden": "true", style: { "margin-left": `${left}%`, width: `${Math.max(0.8, (100 * timings[name]) / total)}%` } })),
      h("td", { class: "num" }, duration(timings[name])));
  });
  return part("Time", h("table", { class: "waterfall" }, h("caption", { class: "sr" }, "Time by step"), h("tbody", {}, rows)), duration(timings.total ?? total));
}

function prompt(trace) {
  if (!trace.prompt) return part("Prompt", h("p", { class: "soft" }, "No model was asked: the answer quotes the passages. Connect one with llm.base_url to have answers written."));
  const { name, version, tokens, cut, messages } = trace.prompt;
  return part("Prompt", [
    cut.length ? h("ul", { class: "plain-list" }, cut.map((line) => h("li", {}, chip("cut", "warn"), " ", line))) : null,
    messages.map((message, at) => h("details", { key: at }, h("summary", {}, message.role, h("span", { class: "soft" }, ` ${count(message.content.length)} characters`)), h("pre", {}, message.content))),
  ], `${name} version ${version}, ${count(tokens)} tokens`);
}

function completion(trace) {
  const attempts = trace.attempts ?? [];
  if (!trace.completion && !attempts.length) return null;
  const { model, text, finish_reason, usage } = trace.completion ?? {};
  return part("Model", [
    attempts.length ? h("ul", { class: "plain-list" }, attempts.map((one, at) => h("li", { key: at }, one.model, " ", chip(one.outcome, one.outcome === "ok" ? "good" : "bad"), h("span", { class: "soft" }, ` ${duration(one.duration_ms)}`)))) : null,
    text ? h("details", {}, h("summary", {}, "What it wrote, unchanged"), h("pre", {}, text)) : null,
  ], model ? `${model}, ${count(usage.input_tokens)} + ${count(usage.output_tokens)} tokens, ended: ${finish_reason ?? "unknown"}` : undefined);
}

function claims(trace) {
  if (!trace.claims.length) return null;
  const proved = trace.claims.filter((one) => one.supported).length;
  return part("Claims", h("ul", { class: "claims" }, trace.claims.map((one, at) => h("li", { key: at, class: one.supported ? "" : "unsupported" },
    h("p", {}, one.sentence), h("p", { class: "row facts" }, one.supported ? chip("proved", "good") : chip("no proof", "bad"), h("span", { class: "soft" }, `support ${score(one.support_score)}`)),
    one.citation ? h("blockquote", {}, one.citation.quote, h("cite", {}, one.citation.title)) : null))), `${proved} of ${trace.claims.length} proved`);
}

function sureness(trace) {
  if (!trace.confidence) return null;
  const { value, parts, calibration_version } = trace.confidence;
  const threshold = trace.decision?.threshold;
  return part("Confidence", [
    h("div", { class: "scale" }, h("i", { style: { width: `${100 * value}%` } }),
      threshold === undefined ? null : h("b", { style: { left: `${100 * threshold}%` }, title: `threshold ${percent(threshold)}` })),
    h("table", { class: "waterfall" }, h("caption", { class: "sr" }, "Parts of the confidence"), h("tbody", {}, Object.entries(parts).map(([name, part]) => h("tr", { key: name },
      h("th", { scope: "row" }, word(name)), h("td", { class: "lane" }, h("i", { "aria-hidden": "true", style: { width: `${Math.min(100, Math.max(0.8, 100 * Math.max(0, part)))}%` } })), h("td", { class: "num" }, score(part)))))),
    calibration_version ? null : h("p", { class: "soft" }, "Not calibrated on this desk's own outcomes yet."),
  ], `${percent(value)}${threshold === undefined ? "" : `, threshold ${percent(threshold)}`}`);
}

function decision(trace) {
  if (!trace.decision) return null;
  return part("Decision", h("p", { class: "row" }, decisionChip(trace.decision.kind, trace.decision.reason), confidence(trace.confidence?.value, trace.decision.threshold)));
}

/** The trace of a stored answer, in the drawer. */
class Why extends View {
  async entered() {
    this.set({ trace: null, problem: null });
    try {
      this.set({ trace: this.given.trace ?? (await get(`/v1/messages/${this.given.message}/trace`)) });
    } catch (problem) {
      this.set({ problem });
    }
  }

  render() {
    const { trace, problem } = this.state;
    return drawer("Why this answer?", problem ? failure(problem, () => this.entered()) : h("fd-trace", { trace }), this.given.close);
  }
}
customElements.define("fd-why", Why);

/** An answer with its marks; a mark opens the quote it stands on. */
class Answer extends View {
  state = { open: null };

  changed() {
    this.state.open = null;
  }

  render() {
    const { content, citations, mayLink } = this.given;
    const cite = (number) => {
      const found = citations.find((one) => one.index === number);
      return found && h("button", { type: "button", class: "cite", "aria-expanded": String(this.state.open === number), "aria-label": `Source ${number}: ${found.title}`,
        onclick: () => this.set({ open: this.state.open === number ? null : number }) }, number);
    };
    const open = citations.find((one) => one.index === this.state.open);
    return [h("div", { class: "prose" }, markdown(content, { mayLink, cite })), open ? quote(open) : null, sources(citations, this)];
  }
}
customElements.define("fd-answer", Answer);

function quote(one) {
  const at = `/knowledge/documents/${one.document_id}?version=${one.version}&start=${one.start}&end=${one.end}`;
  return h("figure", { class: "quote" }, h("blockquote", {}, one.quote), h("figcaption", {}, h("a", { href: at }, one.title), one.url ? h("span", { class: "soft" }, ` ${one.url}`) : null));
}

function sources(citations, answer) {
  if (!citations.length) return null;
  return h("ul", { class: "sources" }, citations.map((one) => h("li", { key: one.index }, h("button", { type: "button", class: "source", "aria-expanded": String(answer.state.open === one.index),
    onclick: () => answer.set({ open: answer.state.open === one.index ? null : one.index }) }, h("span", { class: "cite" }, one.index), one.title))));
}

/** What an agent finds: why, in short, what was tried, the nearest passages, a reply to use. */
export function handoffCard(handoff, use) {
  return h("section", { class: "handoff", "aria-label": "Handoff" },
    h("header", {}, h("strong", {}, "Handed to a person"), chip(word(handoff.reason), "bad")),
    handoff.summary ? h("p", {}, handoff.summary) : null,
    handoff.tried?.length ? h("details", {}, h("summary", {}, "What was tried"), h("ul", {}, handoff.tried.map((line, at) => h("li", { key: at }, sentence(line))))) : null,
    handoff.sources?.length ? h("details", {}, h("summary", {}, `Nearest passages (${handoff.sources.length})`), handoff.sources.map(quote)) : null,
    handoff.suggested_reply ? h("div", { class: "suggested" }, h("p", {}, handoff.suggested_reply), use ? button("Use this reply", () => use(handoff.suggested_reply), "quiet small") : null) : null);
}
