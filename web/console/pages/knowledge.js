// Knowledge: where texts come from, the articles people write, and the exact texts that answers cite.

import { Stretches, change, get, post, query, remove } from "../api.js";
import { diff } from "../diff.js";
import { markdown } from "../markdown.js";
import { absent, ago, attempt, button, chip, count, drawer, empty, failure, field, go, more, parts, plural, remember, select, skeleton, stateChip, table, toast, word } from "../parts.js";
import { View, h } from "../view.js";

/** Milliseconds without a key before a draft is written down in this browser. */
const KEEP_MS = 400;

/** The heading of every knowledge page, with its parts. */
export function heading(present, ...actions) {
  return h("header", { class: "page-head" }, h("h1", {}, "Knowledge"),
    parts("Knowledge", "/knowledge", [["", "Sources"], ["review", "Review"], ["articles", "Articles"], ["documents", "Documents"], ["scans", "Scans"]], present),
    h("span", { class: "spring" }), actions);
}

class Knowledge extends View {
  render() {
    const [part = "", id] = this.given.path.split("/");
    if (part === "articles") return id ? h("fd-article", { key: id, id }) : h("fd-articles", { key: "articles" });
    if (part === "documents") return id ? h("fd-document", { key: id + this.given.search, id, search: this.given.search }) : h("fd-documents", { key: "documents", search: this.given.search });
    if (part === "sources") return h("fd-source", { key: id, id });
    return h("fd-sources", { key: "sources" });
  }
}
customElements.define("fd-knowledge", Knowledge);

/** A page that shows a list, with its loading, empty and failed states. */
class Listing extends View {
  state = { list: null, problem: null };

  entered() {
    this.load();
  }

  async load() {
    const list = this.stretches();
    this.set({ list: null, problem: null });
    try {
      await list.first();
      this.set({ list });
    } catch (problem) {
      this.set({ problem });
    }
  }

  body(whenEmpty, columns, options) {
    const { list, problem } = this.state;
    if (problem) return failure(problem, () => this.load());
    if (!list) return skeleton(6);
    if (!list.rows.length) return whenEmpty;
    return [table(options.label, columns, list.rows, options), more(list, async () => { await attempt(() => list.more()); this.update(); })];
  }
}

class Sources extends Listing {
  stretches() {
    return new Stretches("/v1/sources");
  }

  render() {
    return h("div", { class: "content" }, heading("", h("a", { class: "button primary", href: "/knowledge/new" }, "Add website")),
      this.body(empty("No knowledge yet", "Point frontdesk at your help centre and it reads it in a minute or two. Or write the first article yourself.", h("a", { class: "button primary", href: "/knowledge/new" }, "Add website"), h("a", { class: "button", href: "/knowledge/articles/new" }, "Write an article")),
        [["Source", (row) => row.name], ["Kind", (row) => chip(row.kind)], ["Address", (row) => (row.url ? h("span", { class: "soft" }, row.url) : "–"), "wide-only"], ["Changed", (row) => ago(row.updated_at), "num"]],
        { label: "Sources", href: (row) => `/knowledge/sources/${row.id}` }));
  }
}
customElements.define("fd-sources", Sources);

class Source extends View {
  state = { source: null, problem: null, isLeaving: false };

  async entered() {
    try {
      this.set({ source: await get(`/v1/sources/${this.given.id}`) });
    } catch (problem) {
      this.set({ problem });
    }
  }

  async leave() {
    if ((await attempt(() => remove(`/v1/sources/${this.given.id}`))) === undefined) return;
    toast("The source and its documents are deleted.");
    go("/knowledge");
  }

  render() {
    const { source, problem, isLeaving } = this.state;
    if (problem) return h("div", { class: "content" }, heading(""), absent(problem, "Source", "/knowledge"));
    if (!source) return h("div", { class: "content" }, heading(""), skeleton(4));
    return h("div", { class: "content" }, heading(""), h("h2", {}, source.name),
      h("dl", { class: "pairs" }, [["Kind", word(source.kind)], ["Address", source.url], ["Documents in use", count(source.documents)]].filter(([, value]) => value).map(([name, value]) => h("div", { key: name }, h("dt", {}, name), h("dd", {}, value)))),
      h("div", { class: "row" }, h("a", { class: "button", href: query("/knowledge/documents", { source: source.id }) }, "Show its documents"),
        source.kind === "website" ? h("a", { class: "button", href: query("/knowledge/new", { url: source.url }) }, "Scan again") : null, button("Delete", () => this.set({ isLeaving: true }), "danger quiet")),
      isLeaving ? drawer("Delete this source?", h("div", { class: "form" }, h("p", {}, `${source.name} goes with ${plural(source.documents, "document")} and all its scans. Answers that cited it keep their quotes. This cannot be undone.`),
        h("div", { class: "row" }, button("Delete for good", () => this.leave(), "danger"), button("Keep it", () => this.set({ isLeaving: false }), "quiet"))), () => this.set({ isLeaving: false })) : null);
  }
}
customElements.define("fd-source", Source);

class Documents extends Listing {
  stretches() {
    const params = new URLSearchParams(location.search);
    return new Stretches("/v1/documents", { source: params.get("source"), state: params.get("state") });
  }

  changed() {
    this.load();
  }

  render() {
    const params = new URLSearchParams(location.search);
    return h("div", { class: "content" }, heading("documents", select([["", "All states"], ["published", "Published"], ["archived", "Archived"]], params.get("state") ?? "", (state) => { remember({ state }); this.load(); }, { "aria-label": "State" })),
      params.get("source") ? h("p", { class: "row" }, chip("of one source"), h("a", { href: "/knowledge/documents" }, "Show all")) : null,
      this.body(empty("No documents", "They come from scans, imports and published articles.", h("a", { class: "button primary", href: "/knowledge/new" }, "Add website")),
        [["Document", (row) => row.title], ["State", (row) => stateChip(row.state)], ["Language", (row) => row.language ?? "–", "wide-only"], ["Version", (row) => row.version, "num wide-only"], ["Changed", (row) => ago(row.updated_at), "num"]],
        { label: "Documents", href: (row) => `/knowledge/documents/${row.id}` }));
  }
}
customElements.define("fd-documents", Documents);

/** One document at one version; a cited range is marked. */
class Document extends View {
  state = { document: null, problem: null };

  async entered() {
    const params = new URLSearchParams(location.search);
    try {
      this.set({ document: await get(query(`/v1/documents/${this.given.id}`, { version: params.get("version") })) });
      requestAnimationFrame(() => this.querySelector("mark")?.scrollIntoView({ block: "center" }));
    } catch (problem) {
      this.set({ problem });
    }
  }

  render() {
    const { document, problem } = this.state;
    if (problem) return h("div", { class: "content" }, heading("documents"), absent(problem, "Document", "/knowledge/documents"));
    if (!document) return h("div", { class: "content" }, heading("documents"), skeleton(8));
    const params = new URLSearchParams(location.search);
    const [start, end] = [Number(params.get("start")), Number(params.get("end"))];
    const isOld = document.text_version !== document.version;
    return h("div", { class: "content" }, heading("documents"),
      h("h2", {}, document.title), h("p", { class: "row facts" }, stateChip(document.state), chip(`version ${document.text_version}`), isOld ? h("a", { href: `/knowledge/documents/${document.id}` }, `Version ${document.version} is the present one`) : null,
        document.url ? h("a", { href: document.url, target: "_blank", rel: "noopener noreferrer" }, document.url) : null),
      end > start ? h("pre", { class: "source-text", tabindex: "0", "aria-label": "Text of the document" }, ranged(document.text, start, end)) : h("div", { class: "prose sheet" }, markdown(document.text)));
  }
}
customElements.define("fd-document", Document);

/** The text with the bytes from `start` to `end` marked. */
function ranged(text, start, end) {
  const bytes = new TextEncoder().encode(text);
  const piece = (from, to) => new TextDecoder().decode(bytes.slice(from, to));
  return [piece(0, start), h("mark", {}, piece(start, end)), piece(end)];
}

class Articles extends Listing {
  stretches() {
    return new Stretches("/v1/articles", { state: new URLSearchParams(location.search).get("state") });
  }

  render() {
    const state = new URLSearchParams(location.search).get("state") ?? "";
    return h("div", { class: "content" }, heading("articles", select([["", "All states"], ...["draft", "in_review", "published", "archived"].map((one) => [one, word(one)])], state, (next) => { remember({ state: next }); this.load(); this.update(); }, { "aria-label": "State" }), h("a", { class: "button primary", href: "/knowledge/articles/new" }, "Write article")),
      this.body(state ? empty("No such articles", "None is in this state.") : empty("No articles yet", "Write down what customers ask and your website does not say. Published, it is found at once.", h("a", { class: "button primary", href: "/knowledge/articles/new" }, "Write an article")),
        [["Article", (row) => row.title], ["State", (row) => stateChip(row.state)], ["Answers in 30 days", (row) => count(row.used_in_answers), "num wide-only"], ["Version", (row) => row.version, "num wide-only"], ["Changed", (row) => ago(row.updated_at), "num"]],
        { label: "Articles", href: (row) => `/knowledge/articles/${row.id}` }));
  }
}
customElements.define("fd-articles", Articles);

/** The editor: text at the left, how it reads at the right, every version behind it. */
class Article extends View {
  state = { article: null, title: "", body: "", problem: null, versions: null, wrong: null };

  isNew() {
    return this.given.id === "new";
  }

  keepKey() {
    return `fd-article-${this.given.id}`;
  }

  async entered() {
    const kept = JSON.parse(sessionStorage.getItem(this.keepKey()) ?? "null");
    if (this.isNew()) return this.set({ article: { state: "draft", version: 0 }, ...kept });
    try {
      const article = await get(`/v1/articles/${this.given.id}`);
      this.set({ article, title: article.title, body: article.body, ...kept });
    } catch (problem) {
      this.set({ problem });
    }
  }

  type(fields) {
    this.set({ ...fields, wrong: null });
    clearTimeout(this.timer);
    this.timer = setTimeout(() => sessionStorage.setItem(this.keepKey(), JSON.stringify({ title: this.state.title, body: this.state.body })), KEEP_MS);
  }

  isChanged() {
    const { article, title, body } = this.state;
    return this.isNew() ? Boolean(title.trim() || body.trim()) : article.title !== title || article.body !== body;
  }

  /** Writes the text down as the next version; `undefined` where that failed. */
  async save() {
    const { title, body, article } = this.state;
    clearTimeout(this.timer);
    if (!this.isNew() && !this.isChanged()) return article;
    try {
      const saved = this.isNew() ? await post("/v1/articles", { title, body }) : await change(`/v1/articles/${this.given.id}`, { title, body });
      sessionStorage.removeItem(this.keepKey());
      this.set({ article: saved, title: saved.title, body: saved.body, versions: null });
      return saved;
    } catch (wrong) {
      this.set({ wrong });
      return undefined;
    }
  }

  async keep() {
    const saved = await this.save();
    if (!saved) return;
    toast(saved.state === "published" ? "Saved as a new version. Publish it to have answers use it." : "Saved.");
    if (this.isNew()) go(`/knowledge/articles/${saved.id}`);
  }

  async publish() {
    const saved = await this.save();
    if (!saved) return;
    const published = await attempt(() => post(`/v1/articles/${saved.id}/publish`));
    if (!published) return;
    this.set({ article: published });
    toast("Published. Answers find it now.", async () => this.set({ article: await post(`/v1/articles/${saved.id}/archive`) }));
    if (this.isNew()) go(`/knowledge/articles/${saved.id}`);
  }

  async archive() {
    const archived = await attempt(() => post(`/v1/articles/${this.given.id}/archive`));
    if (!archived) return;
    this.set({ article: archived });
    toast("Archived. Answers do not find it now.", async () => this.set({ article: await post(`/v1/articles/${this.given.id}/publish`) }));
  }

  async history() {
    this.set({ versions: [] });
    const list = await attempt(() => get(`/v1/articles/${this.given.id}/versions`));
    this.set({ versions: list?.data ?? null });
  }

  render() {
    const { article, title, body, problem, versions, wrong } = this.state;
    if (problem) return h("div", { class: "content" }, heading("articles"), absent(problem, "Article", "/knowledge/articles"));
    if (!article) return h("div", { class: "content" }, heading("articles"), skeleton(8));
    const at = wrong?.pointer;
    return h("div", { class: "content wide" }, heading("articles"),
      h("div", { class: "row editor-head" }, stateChip(article.state), article.version ? button(`Version ${article.version}`, () => this.history(), "bare") : null, article.used_in_answers === undefined ? null : h("span", { class: "soft", title: "Messages of the AI that cite it, of the last 30 days" }, `used in ${plural(article.used_in_answers, "answer")}`), h("span", { class: "soft", role: "status" }, this.isChanged() ? "not saved, kept in this browser" : ""), h("span", { class: "spring" }),
        article.state === "published" ? button("Archive", () => this.archive(), "quiet") : null, button("Save", () => this.keep(), "quiet", { disabled: !this.isChanged() }), button("Publish", () => this.publish(), "primary", { disabled: !title.trim() || (article.state === "published" && !this.isChanged()) })),
      wrong && !["/title", "/body"].includes(at) ? failure(wrong) : null,
      h("div", { class: "editor" },
        h("div", { class: "form" }, field("Title", h("input", { type: "text", value: title, maxlength: "300", oninput: (event) => this.type({ title: event.target.value }), placeholder: "A question, or what it is about" }), { problem: at === "/title" ? wrong.message : undefined }),
          field("Text", h("textarea", { rows: "22", class: "code", value: body, oninput: (event) => this.type({ body: event.target.value }) }), { hint: "Markdown: ## heading, - list, **bold**. Headings become the places that answers point to.", problem: at === "/body" ? wrong.message : undefined })),
        h("section", { class: "sheet prose", "aria-label": "How it reads" }, h("h2", {}, title || "Untitled"), body.trim() ? markdown(body) : h("p", { class: "soft" }, "How it reads appears here."))),
      versions ? drawer("Versions", versions.length ? versions.map((one, place) => h("section", { key: one.version, class: "version" }, h("header", { class: "row" }, h("h3", {}, `Version ${one.version}`), ago(one.created_at), h("span", { class: "spring" }), place ? button("Bring back into the editor", () => { this.type({ title: one.title, body: one.body }); this.set({ versions: null }); }, "quiet small") : null),
        versions[place + 1] ? diff(versions[place + 1].body, one.body) : h("p", { class: "soft" }, "The first text."))) : skeleton(6), () => this.set({ versions: null })) : null);
  }
}
customElements.define("fd-article", Article);
