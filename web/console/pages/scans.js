// Scans of websites: the wizard with its preview, the list, and one scan as it goes on.

import { Stretches, get, live, post, query } from "../api.js";
import { absent, ago, attempt, button, chip, count, empty, failure, field, go, more, plural, remember, sentence, skeleton, stateChip, table, tabs, toast, word } from "../parts.js";
import { View, h } from "../view.js";
import { heading } from "./knowledge.js";

/** Milliseconds without a key before the preview is made again. */
const PREVIEW_MS = 700;
/** Milliseconds in which events of a scan are gathered. */
const GATHER_MS = 400;
const OUTCOMES = ["new", "changed", "same", "removed", "skipped", "failed", "pending"];

class Scans extends View {
  render() {
    const [part, id] = this.given.path.split("/");
    if (part === "new") return h("fd-wizard", { key: "new" });
    return id ? h("fd-scan", { key: id, id }) : h("fd-scan-list", { key: "list" });
  }
}
customElements.define("fd-scans", Scans);

const globs = (text) => text.split(/[\n,]/).map((one) => one.trim()).filter(Boolean);

class Wizard extends View {
  state = { url: "", include: "", exclude: "", pages_max: "", preview: null, problem: null, isLooking: false };

  entered() {
    const url = new URLSearchParams(location.search).get("url") ?? "";
    this.set({ url });
    if (url) this.look();
  }

  body() {
    const { url, include, exclude, pages_max } = this.state;
    return { url: url.trim(), include: globs(include), exclude: globs(exclude), pages_max: pages_max ? Number(pages_max) : undefined };
  }

  /** Once a preview is there, it follows the globs. */
  alter(fields) {
    this.set(fields);
    clearTimeout(this.timer);
    if (this.state.preview || this.state.problem) this.timer = setTimeout(() => this.look(), PREVIEW_MS);
  }

  async look() {
    const body = this.body();
    if (!body.url) return;
    remember({ url: body.url });
    const turn = (this.turn = (this.turn ?? 0) + 1);
    this.set({ isLooking: true, problem: null });
    const found = await post("/v1/scans/preview", body).catch((problem) => problem);
    if (turn !== this.turn) return;
    this.set({ isLooking: false, ...(found instanceof Error ? { problem: found, preview: null } : { preview: found }) });
  }

  async start() {
    this.set({ isStarting: true });
    const scan = await attempt(() => post("/v1/scans", this.body()));
    this.set({ isStarting: false });
    if (scan) go(`/knowledge/scans/${scan.id}`);
  }

  render() {
    const { url, include, exclude, pages_max, preview, problem, isLooking, isStarting } = this.state;
    return h("div", { class: "content" }, heading("scans"), h("h2", {}, "Add a website"),
      h("form", { class: "form", onsubmit: (event) => { event.preventDefault(); this.look(); } },
        h("div", { class: "row search-row" }, h("input", { type: "text", inputmode: "url", value: url, "aria-label": "Address", placeholder: "https://help.example.com", maxlength: "2000", oninput: (event) => this.set({ url: event.target.value, preview: null }), ready: (node) => node.focus() }),
          h("button", { class: preview ? "quiet" : "primary", type: "submit", disabled: !url.trim() || isLooking }, "Preview")),
        h("details", { open: Boolean(preview) }, h("summary", {}, "What to read"), h("div", { class: "form columns" },
          field("Only addresses like", h("textarea", { rows: "2", class: "code", value: include, placeholder: "**/help/**", oninput: (event) => this.alter({ include: event.target.value }) }), { hint: "Globs, one a line. Empty: all below the address." }),
          field("Never addresses like", h("textarea", { rows: "2", class: "code", value: exclude, placeholder: "**/archive/**", oninput: (event) => this.alter({ exclude: event.target.value }) }), { hint: "Globs, one a line." }),
          field("Pages at most", h("input", { type: "number", min: "1", value: pages_max, placeholder: "5000", oninput: (event) => this.alter({ pages_max: event.target.value }) }))))),
      problem ? failure(problem, () => this.look()) : isLooking && !preview ? skeleton(6) : preview ? this.preview(preview, isLooking, isStarting)
        : h("p", { class: "soft" }, "The preview reads the sitemap and a few pages, and shows what a scan would read and what it would leave out, and why. Nothing is stored yet."));
  }

  preview(preview, isLooking, isStarting) {
    const most = Math.max(1, ...preview.folders.map((folder) => folder.pages));
    const tokens = preview.folders.reduce((sum, folder) => sum + folder.tokens_estimated, 0);
    return h("section", { class: "preview", "aria-busy": String(isLooking), "aria-label": "Preview" },
      h("div", { class: "row" }, h("p", { role: "status" }, h("strong", {}, plural(preview.pages, "page")), preview.more_by_links ? " to begin with, more by following links" : ` from ${plural(preview.sitemaps.length, "sitemap")}`, h("span", { class: "soft" }, `, about ${count(tokens)} tokens`)), h("span", { class: "spring" }), isLooking ? chip("looking again…", "info") : null,
        button(isStarting ? "Starting…" : "Start the scan", () => this.start(), "primary", { disabled: isStarting || !preview.pages })),
      h("ul", { class: "tree" }, preview.folders.map((folder) => h("li", { key: folder.path }, h("code", {}, folder.path), h("span", { class: "meter", "aria-hidden": "true" }, h("i", { style: { width: `${(100 * folder.pages) / most}%` } })), h("span", { class: "num" }, plural(folder.pages, "page")), h("span", { class: "num soft" }, `~${count(folder.tokens_estimated)} tokens`)))),
      preview.skipped.length ? h("details", {}, h("summary", {}, `Left out: ${count(preview.skipped.reduce((sum, one) => sum + one.pages, 0))}`), h("ul", { class: "plain-list" }, preview.skipped.map((one) => h("li", { key: one.reason }, sentence(one.reason), h("span", { class: "soft" }, ` ${plural(one.pages, "address", "addresses")}`), h("ul", { class: "examples" }, one.examples.map((example) => h("li", { key: example }, example))))))) : null);
  }
}
customElements.define("fd-wizard", Wizard);

class ScanList extends View {
  state = { list: null, problem: null };

  async entered() {
    const list = new Stretches("/v1/scans");
    try {
      await list.first();
      this.set({ list });
    } catch (problem) {
      this.set({ problem });
    }
  }

  render() {
    const { list, problem } = this.state;
    return h("div", { class: "content" }, heading("scans", h("a", { class: "button primary", href: "/knowledge/new" }, "Add website")),
      problem ? failure(problem, () => this.entered()) : !list ? skeleton(5) : list.rows.length
        ? [table("Scans", [["Website", (row) => row.url], ["State", (row) => stateChip(row.state)], ["Begun", (row) => ago(row.created_at), "num"]], list.rows, { href: (row) => `/knowledge/scans/${row.id}` }), more(list, async () => { await attempt(() => list.more()); this.update(); })]
        : empty("No scans yet", "A scan reads a website into documents that answers may cite.", h("a", { class: "button primary", href: "/knowledge/new" }, "Add website")));
  }
}
customElements.define("fd-scan-list", ScanList);

class Scan extends View {
  state = { scan: null, pages: null, filter: "", problem: null };

  entered() {
    this.set({ filter: new URLSearchParams(location.search).get("state") ?? "" });
    this.onhappened = (event) => (!event.detail || event.detail.scan_id === this.given.id) && this.gather();
    live.addEventListener("happened", this.onhappened);
    live.addEventListener("back", this.onhappened);
    this.load();
    this.loadPages();
  }

  left() {
    live.removeEventListener("happened", this.onhappened);
    live.removeEventListener("back", this.onhappened);
    clearTimeout(this.timer);
  }

  gather() {
    this.timer ??= setTimeout(async () => {
      this.timer = null;
      await Promise.all([this.load(), this.loadPages(true)]);
    }, GATHER_MS);
  }

  async load() {
    try {
      const scan = await get(`/v1/scans/${this.given.id}`);
      this.set({ scan, problem: null });
    } catch (problem) {
      this.set({ problem });
    }
  }

  async loadPages(isQuiet = false) {
    const { filter, pages } = this.state;
    const list = new Stretches(`/v1/scans/${this.given.id}/pages`, { state: filter });
    if (!isQuiet) this.set({ pages: null });
    const shown = isQuiet ? pages?.rows.length ?? 0 : 0;
    await attempt(async () => {
      await list.first();
      while (list.hasMore && list.rows.length < shown) await list.more();
      if (this.state.filter === filter) this.set({ pages: list });
    });
  }

  async act(word_, said) {
    if (await attempt(() => post(`/v1/scans/${this.given.id}/${word_}`))) toast(said);
    await this.load();
  }

  render() {
    const { scan, problem } = this.state;
    if (problem) return h("div", { class: "content" }, heading("scans"), absent(problem, "Scan", "/knowledge/scans"));
    if (!scan) return h("div", { class: "content" }, heading("scans"), skeleton(6));
    const isGoing = ["discovering", "running", "concluding"].includes(scan.state);
    return h("div", { class: "content" }, heading("scans"),
      h("div", { class: "row" }, h("h2", {}, scan.url), stateChip(scan.state), h("span", { class: "spring" }),
        isGoing && scan.state !== "concluding" ? button("Pause", () => this.act("pause", "Paused. What was read stays."), "quiet") : null, scan.state === "paused" ? button("Go on", () => this.act("resume", "It goes on."), "primary") : null,
        isGoing || scan.state === "paused" ? button("Cancel", () => this.act("cancel", "Called off. What was read stays."), "danger quiet") : h("a", { class: "button", href: query("/knowledge/new", { url: scan.url }) }, "Scan again")),
      scan.error ? failure({ message: scan.error }) : null, this.progress(scan, isGoing),
      scan.changes?.waiting ? h("fd-changes", { key: "changes", id: scan.id, because: scan.held_because, waiting: scan.changes.waiting, decided: () => this.load() }) : null, this.pages(scan));
  }

  progress(scan, isGoing) {
    const of = (state) => scan.pages[state] ?? 0;
    const total = OUTCOMES.reduce((sum, state) => sum + of(state), 0);
    const done = total - of("pending");
    const seconds = Math.max(1, (new Date(scan.finished_at ?? Date.now()) - new Date(scan.created_at)) / 1000);
    return h("section", { class: "progress", "aria-label": "Progress" },
      h("progress", { max: String(Math.max(1, total)), value: String(done), "aria-label": "Pages done" }),
      h("p", { role: "status" }, h("strong", {}, `${count(done)} of ${plural(total, "page")}`), h("span", { class: "soft" }, ` · ${(done / seconds).toFixed(1)} a second · `, isGoing ? "answerable as they come in" : scan.finished_at ? ["ended: ", ago(scan.finished_at)] : word(scan.state))),
      h("p", { class: "row" }, OUTCOMES.filter(of).map((state) => h("span", { key: state, class: "row facts" }, stateChip(state), count(of(state))))));
  }

  pages(scan) {
    const { pages, filter } = this.state;
    const choices = [["", "All"], ...OUTCOMES.filter((state) => scan.pages[state]).map((state) => [state, word(state)])];
    return h("div", { class: "form" }, tabs("Which pages", choices, filter, (next) => { this.state.filter = next; remember({ state: next }); this.loadPages(); }),
      !pages ? skeleton(6) : pages.rows.length ? [table("Pages", [
        ["Address", (row) => (row.document_id ? h("a", { href: `/knowledge/documents/${row.document_id}` }, row.url) : row.url)], ["State", (row) => stateChip(row.state)], ["Why", (row) => (row.reason ? sentence(row.reason) : "")], ["Done", (row) => ago(row.finished_at), "num wide-only"],
      ], pages.rows), more(pages, async () => { await attempt(() => pages.more()); this.update(); })] : h("p", { class: "soft" }, scan.state === "discovering" ? "Reading robots.txt and the sitemap…" : "No such pages."));
  }
}
customElements.define("fd-scan", Scan);

/** What a scan found other than before and a person should see first: line by line, to apply or refuse. */
class Changes extends View {
  state = { list: null, problem: null };

  entered() {
    this.load();
  }

  changed(before) {
    if (before.waiting !== this.given.waiting) this.load();
  }

  async load() {
    const list = new Stretches(`/v1/scans/${this.given.id}/diff`, { decision: "waiting", limit: 20 });
    try {
      await list.first();
      this.set({ list, problem: null });
    } catch (problem) {
      this.set({ problem });
    }
  }

  async decide(verdict, page) {
    if (!(await attempt(() => post(`/v1/scans/${this.given.id}/${verdict}`, page ? { pages: [page.id] } : {})))) return;
    toast(verdict === "apply" ? "Applied. Answers use the fresh text." : "Refused. The earlier text stays.");
    this.given.decided();
    await this.load();
  }

  render() {
    const { list, problem } = this.state;
    const { because, waiting } = this.given;
    return h("section", { class: "preview", "aria-label": "Changes that wait" },
      h("div", { class: "row" }, h("h2", {}, `${plural(waiting, "change")} to look at`), h("span", { class: "spring" }), button("Refuse all", () => this.decide("reject"), "danger quiet"), button("Apply all", () => this.decide("apply"), "primary")),
      because ? h("p", { class: "soft" }, sentence(because)) : null,
      problem ? failure(problem, () => this.load()) : !list ? skeleton(4) : [list.rows.map((page) => this.page(page)), more(list, async () => { await attempt(() => list.more()); this.update(); })]);
  }

  page(page) {
    const lines = (page.diff.hunks ?? []).map((hunk, at) => h("pre", { key: at, class: "diff", tabindex: "0", "aria-label": `Lines from ${hunk.after_line}` },
      hunk.lines.map((line) => h({ same: "span", removed: "del", added: "ins" }[line.kind] ?? "span", {}, `${line.text}\n`))));
    return h("details", { key: page.id }, h("summary", {}, page.url, " ", stateChip(page.state), (page.risks ?? []).map((risk) => chip(`${word(risk.kind)}: ${risk.before.join(", ") || "none"} → ${risk.after.join(", ") || "none"}`, "warn"))),
      page.reason ? h("p", { class: "soft" }, sentence(page.reason)) : null, lines, page.diff.cut ? h("p", { class: "soft" }, "More differs than is shown here.") : null,
      h("p", { class: "row" }, button("Apply", () => this.decide("apply", page), "quiet small"), button("Refuse", () => this.decide("reject", page), "danger quiet small")));
  }
}
customElements.define("fd-changes", Changes);
