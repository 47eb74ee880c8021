// Pieces that every page is made of: icons, times, chips, tables, states, forms, drawers, toasts.

import { View, h } from "./view.js";

const PATHS = {
  inbox: "M3 12h4l2 3h6l2-3h4M5 5h14l2 7v7H3v-7z",
  knowledge: "M5 4h11a3 3 0 0 1 3 3v13H8a3 3 0 0 1-3-3zM5 17a3 3 0 0 1 3-3h11",
  playground: "M6 4l13 8-13 8z",
  evals: "M4 19h16M6 16l4-5 3 3 6-8",
  usage: "M4 20V10M10 20V4M16 20v-7M21 20H3",
  settings: "M4 7h10M18 7h2M4 17h2M10 17h10M14 7a2 2 0 1 0 4 0 2 2 0 1 0-4 0M6 17a2 2 0 1 0 4 0 2 2 0 1 0-4 0",
  close: "M6 6l12 12M18 6L6 18",
  search: "M11 5a6 6 0 1 0 0 12 6 6 0 1 0 0-12M15.5 15.5L20 20",
  plus: "M12 5v14M5 12h14",
  person: "M12 4a4 4 0 1 0 0 8 4 4 0 1 0 0-8M4 20c1-4 4-6 8-6s7 2 8 6",
  theme: "M12 4a8 8 0 1 0 0 16zM12 4a8 8 0 0 1 0 16",
  leave: "M10 4H5v16h5M14 8l4 4-4 4M18 12H9",
  copy: "M8 8h11v12H8zM5 16V4h11",
  check: "M5 12l5 5L19 7",
  bell: "M6 17h12l-1.500-2.500V10a4.500 4.500 0 0 0-9 0v4.500zM10 20h4",
  back: "M14 6l-6 6 6 6",
  out: "M14 5h5v5M19 5l-8 8M11 6H5v13h13v-6",
};

export function icon(name) {
  return h("svg", { class: "icon", viewBox: "0 0 24 24", "aria-hidden": "true", focusable: "false" }, h("path", { d: PATHS[name] }));
}

// Words and figures

const WORDS = {
  hand_off: "handed off", answer: "answered", clarify: "asked back", customer_request: "asked for a person",
  missing_knowledge: "not in the knowledge", low_confidence: "not sure enough", unsupported_claim: "claim without proof",
  policy_restriction: "against a rule", tool_failure: "an action failed", pending_clarification: "asked back too often",
  repeated_failure: "failed repeatedly", usage_limit: "limit used up", out_of_hours: "out of hours",
  model_unavailable: "model unreachable", error: "defect", ai: "AI", in_review: "in review", bm25: "words (BM25)",
};

export const word = (name) => WORDS[name] ?? String(name ?? "").replaceAll("_", " ");
export const percent = (value) => `${Math.round(value * 100)} %`;
export const score = (value) => (value === null || value === undefined ? "–" : value.toFixed(value >= 10 ? 1 : 2));
export const count = (value) => Number(value ?? 0).toLocaleString("en");
export const money = (micro) => (micro === 0 ? "$0" : `$${(micro / 1e6).toFixed(micro < 10_000 ? 4 : 2)}`);
export const duration = (ms) => (ms >= 1000 ? `${(ms / 1000).toFixed(1)} s` : ms >= 10 ? `${Math.round(ms)} ms` : `${ms.toFixed(1)} ms`);
export const plural = (n, one, many = `${one}s`) => `${count(n)} ${n === 1 ? one : many}`;

const STEPS = [[60, 1, "s"], [3600, 60, "min"], [86_400, 3600, "h"], [7 * 86_400, 86_400, "d"]];

/** How long ago, in a few letters; the exact time stands in the title. */
export function ago(time) {
  if (!time) return null;
  const date = new Date(time);
  const seconds = Math.max(0, (Date.now() - date) / 1000);
  const step = STEPS.find(([below]) => seconds < below);
  const text = !step ? date.toLocaleDateString("en", { day: "numeric", month: "short" })
    : step[2] === "s" ? "now" : `${Math.floor(seconds / step[1])} ${step[2]}`;
  return h("time", { datetime: time, title: date.toLocaleString() }, text);
}

// Chips

export const chip = (text, tone = "", title) => h("span", { class: ["chip", tone], title }, text);

/** How sure an answer is: a figure, a bar and a word, never a colour alone. */
export function confidence(value, threshold) {
  if (value === null || value === undefined) return null;
  const isLow = threshold !== undefined && value < threshold;
  const tone = isLow ? "bad" : value < (threshold ?? 0.5) + 0.15 ? "warn" : "good";
  const title = threshold === undefined ? "confidence" : `confidence; below ${percent(threshold)} a person takes over`;
  return h("span", { class: ["confidence", tone], title },
    h("span", { class: "meter", "aria-hidden": "true" }, h("i", { style: { width: percent(value).replace(" ", "") } })),
    h("span", {}, percent(value)), h("span", { class: "sr" }, " confidence"));
}

export function decisionChip(decision, reason) {
  if (!decision) return null;
  const tone = { answer: "good", clarify: "warn", hand_off: "bad" }[decision];
  return chip(reason ? `${word(decision)}: ${word(reason)}` : word(decision), tone);
}

export function stateChip(state) {
  const tones = {
    published: "good", completed: "good", new: "good", changed: "warn", running: "info", discovering: "info", concluding: "info", pending: "",
    failed: "bad", cancelled: "", paused: "warn", skipped: "", same: "", removed: "warn", waiting: "info", approved: "good", rejected: "", withdrawn: "", draft: "", in_review: "warn", archived: "", checking: "info", replaced: "", rolled_back: "",
  };
  return chip(word(state), tones[state] ?? "");
}

// States of a page

export const skeleton = (lines = 4) => h("div", { class: "skeleton", role: "status" }, h("span", { class: "sr" }, "Loading"),
  Array.from({ length: lines }, (_, at) => h("i", { key: at, style: { width: `${92 - ((at * 23) % 45)}%` } })));

export const empty = (title, text, ...actions) => h("div", { class: "empty" }, h("h2", {}, title), h("p", {}, text),
  actions.length ? h("div", { class: "row" }, actions) : null);

/** A failure: what, why, the fix. Its key keeps what stands around it, and the focus in it, in place. */
export function failure(problem, again) {
  return h("div", { key: "failure", class: "failure", role: "alert" },
    h("strong", {}, sentence(problem.message)), problem.hint ? h("span", {}, sentence(problem.hint)) : null,
    problem.requestId && problem.status >= 500 ? h("code", {}, problem.requestId) : null,
    again ? h("button", { class: "quiet", onclick: again }, "Try again") : null);
}

/** What is shown in place of something that cannot be: it is gone, or the address never led anywhere, or it failed. */
export const absent = (problem, what, href) => ([400, 404].includes(problem.status)
  ? empty(`${what} not found`, "It may have been deleted, or the address is not complete.", h("a", { class: "button", href }, "Back to the list")) : failure(problem));

/** Messages of the server are in lowercase without a full stop. */
export const sentence = (text) => (text ? text[0].toUpperCase() + text.slice(1) + (/[.!?]$/.test(text) ? "" : ".") : "");

// Form fields

/** A labelled control, with what is wrong beneath it. */
export function field(label, control, { hint, problem, id } = {}) {
  control.attributes.id = id ?? `f-${label.toLowerCase().replace(/\W+/g, "-")}`;
  const told = problem ?? hint;
  if (told) control.attributes["aria-describedby"] = `${control.attributes.id}-told`;
  if (problem) control.attributes["aria-invalid"] = "true";
  return h("div", { class: "field" }, h("label", { for: control.attributes.id }, label), control,
    told ? h("p", { id: `${control.attributes.id}-told`, class: problem ? "wrong" : "hint" }, told) : null);
}

export const select = (options, value, onchange, more = {}) => h("select", { ...more, value, onchange: (event) => onchange(event.target.value) },
  options.map(([name, text]) => h("option", { value: name }, text)));

export const button = (text, onclick, kind = "", more = {}) => h("button", { type: "button", class: kind, onclick, ...more }, text);

/** A group of choices of which one holds. */
export function tabs(label, choices, present, choose) {
  return h("div", { class: "tabs", role: "group", "aria-label": label }, choices.map(([name, text]) =>
    h("button", { key: name, type: "button", "aria-pressed": String(name === present), onclick: () => choose(name) }, text)));
}

/** Parts of a page, each with an address of its own; the present one is brought into sight. */
export const parts = (label, base, choices, present) => h("nav", { class: "tabs", "aria-label": label }, choices.map(([path, text]) =>
  h("a", { key: path, href: base + (path && `/${path}`), "aria-current": path === present ? "page" : null, ready: (node) => path === present && node.scrollIntoView({ inline: "center", block: "nearest" }) }, text)));

// The one table

/** Columns are `[title, cell(row), class?]`; rows lead somewhere where `href(row)` says so. */
export function table(label, columns, rows, { key = (row) => row.id, href, tone } = {}) {
  return h("div", { class: "table", role: "region", "aria-label": label, tabindex: "0" }, h("table", {},
    h("caption", { class: "sr" }, label),
    h("thead", {}, h("tr", {}, columns.map(([title, , kind]) => h("th", { scope: "col", class: kind }, title || h("span", { class: "sr" }, "Actions"))))),
    h("tbody", {}, rows.map((row) => h("tr", { key: key(row), class: tone?.(row) }, columns.map(([, cell, kind], at) =>
      h("td", { class: kind }, at === 0 && href ? h("a", { class: "plain", href: href(row) }, cell(row)) : cell(row))))))));
}

export const more = (stretches, onclick) => (stretches.hasMore ? h("p", { class: "center" }, button("Show more", onclick, "quiet")) : null);

// The one drawer

/** Slides in at the side over what it explains; Escape closes it, focus goes back to where it was. */
class Drawer extends View {
  entered() {
    this.before = document.activeElement;
  }

  rendered() {
    const dialog = this.querySelector("dialog");
    if (dialog && !dialog.open) dialog.showModal();
  }

  left() {
    if (this.before?.isConnected) this.before.focus();
  }

  render() {
    const { title, content, close } = this.given;
    return h("dialog", { class: "drawer", "aria-label": title, onclose: close, onclick: (event) => event.target === event.currentTarget && close() },
      h("header", {}, h("h2", {}, title), h("button", { type: "button", class: "bare", "aria-label": "Close", onclick: close }, icon("close"))),
      h("div", { class: "drawer-body" }, content));
  }
}
customElements.define("fd-drawer", Drawer);

export const drawer = (title, content, close) => h("fd-drawer", { key: `drawer-${title}`, title, content, close });

// Toasts

/** Says what was done, for some seconds; `undo` takes it back. */
export function toast(text, undo) {
  dispatchEvent(new CustomEvent("fd-toast", { detail: { text, undo } }));
}

/** Runs what may fail; the failure becomes a toast. */
export async function attempt(work) {
  try {
    return await work();
  } catch (problem) {
    toast([sentence(problem.message), sentence(problem.hint)].filter(Boolean).join(" "));
    return undefined;
  }
}

export async function copy(text, said = "Copied") {
  const isCopied = await attempt(async () => {
    if (!navigator.clipboard) throw new Error("browsers copy on https and localhost only; mark the text and copy it by hand");
    await navigator.clipboard.writeText(text);
    return true;
  });
  if (isCopied) toast(said);
}

/** Goes to a page of the console. */
export function go(path) {
  dispatchEvent(new CustomEvent("fd-go", { detail: path }));
}

/** Changes what stands behind the question mark, without a step in the history. */
export function remember(fields) {
  const params = new URLSearchParams(location.search);
  for (const [name, value] of Object.entries(fields)) {
    if (value === undefined || value === null || value === "") params.delete(name);
    else params.set(name, value);
  }
  const text = params.toString();
  history.replaceState(null, "", text ? `${location.pathname}?${text}` : location.pathname);
}
