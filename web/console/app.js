// The console: who is signed in, which page an address shows, and what is the same on every page.

import { dropReads, get, live, post, remove, session } from "./api.js";
import { attempt, button, failure, go, icon, sentence } from "./parts.js";
import { View, h } from "./view.js";
import "./trace.js";
import "./pages/bell.js";
import "./pages/sign_in.js";
import "./pages/playground.js";
import "./pages/variants.js";
import "./pages/inbox.js";
import "./pages/knowledge.js";
import "./pages/scans.js";
import "./pages/review.js";
import "./pages/evals.js";
import "./pages/usage.js";
import "./pages/settings.js";
import "./pages/prompts.js";
import "./pages/hours.js";
import "./pages/widget.js";

/** Milliseconds a toast stays; one that can be taken back stays longer. */
const TOAST_MS = 4_000;
const UNDO_MS = 9_000;
/** How often an agent's browser says that they are there; who looks elsewhere is away. */
const BEAT_MS = 20_000;
/** Pages of the rail: address, title, icon, the scope that opens it. */
const PAGES = [
  ["inbox", "Inbox", "inbox", "conversations"],
  ["knowledge", "Knowledge", "knowledge", "knowledge"],
  ["playground", "Playground", "playground", "playground"],
  ["evals", "Evals", "evals", "playground"],
  ["usage", "Usage", "usage", "usage"],
  ["settings", "Settings", "settings", "admin"],
];
const SHORTCUTS = [
  ["Ctrl K", "Go anywhere"], ["?", "This sheet"], ["Ctrl Enter", "Send, ask, run"], ["Alt J  Alt K", "Next, previous conversation"],
  ["Alt E", "Resolve"], ["Alt P", "Take over or give back"], ["Alt L", "Note instead of reply"], ["A  E  R", "Review: approve, edit, reject"], ["J  K", "Review: next, previous"], ["Escape", "Close"],
];
/** Scopes that open the stream of what happens. */
const LIVE_SCOPES = ["admin", "conversations", "knowledge"];
/** Where the browser notes that somebody signed in here; the session itself is a cookie scripts cannot read. */
const SIGNED_IN = "fd-in";
const THEMES = { "": "System", light: "Light", dark: "Dark" };

class App extends View {
  state = { me: undefined, problem: null, toasts: [], isLost: false, sheet: null, theme: localStorage.getItem("fd-theme") ?? "" };

  entered() {
    this.dress();
    session.onover = () => this.state.me && this.over();
    addEventListener("popstate", () => this.arrive());
    addEventListener("fd-go", (event) => this.go(event.detail));
    addEventListener("fd-toast", (event) => this.toast(event.detail));
    addEventListener("fd-renamed", ({ detail: name }) => { this.set({ me: { ...this.state.me, organization: { ...this.state.me.organization, name } } }); this.arrive(); });
    addEventListener("fd-signed-in", () => this.enter(true));
    addEventListener("keydown", (event) => this.key(event));
    this.addEventListener("click", (event) => this.follow(event));
    setInterval(() => this.beat(), BEAT_MS);
    live.addEventListener("lost", () => this.set({ isLost: true }));
    live.addEventListener("back", () => this.set({ isLost: false }));
    this.enter();
  }

  async enter(isFresh = false) {
    // Only who signed in here before is asked for: others would begin with a refusal.
    if (!isFresh && !localStorage.getItem(SIGNED_IN)) return this.outside();
    try {
      const me = await get("/v1/session");
      localStorage.setItem(SIGNED_IN, "1");
      if (me.scopes.some((scope) => LIVE_SCOPES.includes(scope))) live.open();
      this.set({ me, problem: null });
      this.beat();
      if (["/", "/sign-in", "/setup"].includes(location.pathname)) {
        const wanted = location.pathname === "/setup" ? "/playground" : new URLSearchParams(location.search).get("next");
        this.go(wanted?.startsWith("/") && !wanted.startsWith("//") ? wanted : `/${this.pages()[0]?.[0] ?? "settings"}`, true);
      }
    } catch (problem) {
      if (problem.status !== 401) return this.set({ problem, me: null });
      this.outside();
    }
  }

  beat() {
    if (this.state.me?.member?.agent_id && !document.hidden) post("/v1/me/heartbeat", {}).catch(() => {});
  }

  outside() {
    localStorage.removeItem(SIGNED_IN);
    this.set({ me: null, problem: null });
    const wanted = location.pathname + location.search;
    if (!["/setup", "/sign-in"].includes(location.pathname)) this.go(wanted === "/" ? "/sign-in" : `/sign-in?next=${encodeURIComponent(wanted)}`, true);
  }

  /** The session ended while somebody worked; what they typed is still on the page behind. */
  over() {
    live.close();
    this.set({ me: null });
    this.go(`/sign-in?over=1&next=${encodeURIComponent(location.pathname + location.search)}`, true);
  }

  pages() {
    const scopes = this.state.me?.scopes ?? [];
    return PAGES.filter(([, , , scope]) => scopes.includes("admin") || scopes.includes(scope));
  }

  go(path, isReplaced = false) {
    if (path !== location.pathname + location.search) history[isReplaced ? "replaceState" : "pushState"](null, "", path);
    this.arrive();
  }

  arrive() {
    this.set({ sheet: null, path: location.pathname + location.search });
    const page = PAGES.find(([name]) => location.pathname.startsWith(`/${name}`));
    document.title = page ? `${page[1]} · ${this.state.me?.organization.name ?? "frontdesk"}` : "frontdesk";
  }

  /** Links within the console change the page without loading it anew. */
  follow(event) {
    const link = event.target.closest("a[href]");
    const isOurs = link && link.origin === location.origin && !link.target && !link.hasAttribute("download") && !/^\/(docs|openapi|v1|console)/.test(link.pathname);
    if (!isOurs || event.defaultPrevented || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    if (link.hash && link.pathname === location.pathname) return;
    event.preventDefault();
    this.go(link.pathname + link.search);
    this.querySelector("main")?.focus({ preventScroll: true });
  }

  key(event) {
    if (!this.state.me) return;
    const isTyping = /^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName);
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
      event.preventDefault();
      this.set({ sheet: this.state.sheet === "palette" ? null : "palette" });
    } else if (event.key === "?" && !isTyping) {
      this.set({ sheet: "shortcuts" });
    }
  }

  toast({ text, undo }) {
    const one = { id: performance.now(), text, undo };
    this.set({ toasts: [...this.state.toasts.slice(-2), one] });
    setTimeout(() => this.drop(one), undo ? UNDO_MS : TOAST_MS);
  }

  drop(one) {
    this.set({ toasts: this.state.toasts.filter((other) => other !== one) });
  }

  dress(theme = this.state.theme) {
    this.state.theme = theme;
    if (theme) localStorage.setItem("fd-theme", theme);
    else localStorage.removeItem("fd-theme");
    document.documentElement.dataset.theme = theme;
    this.update();
  }

  nextTheme() {
    const names = Object.keys(THEMES);
    this.dress(names[(names.indexOf(this.state.theme) + 1) % names.length]);
  }

  async leave() {
    const resumeReads = dropReads();
    await attempt(() => remove("/v1/session"));
    live.close();
    localStorage.removeItem(SIGNED_IN);
    this.set({ me: null });
    this.go("/sign-in", true);
    resumeReads();
  }

  /** When the desk was there first can be read in the browser's own timeline. */
  rendered() {
    if (this.state.me && !performance.getEntriesByName("desk").length) performance.mark("desk");
  }

  render() {
    const { me, problem, toasts, isLost, sheet } = this.state;
    return [
      me ? this.desk(me) : problem ? h("main", { class: "gate" }, failure(problem, () => this.enter())) : me === null ? this.gate() : h("p", { class: "boot" }, "Opening the desk…"),
      isLost && me ? h("p", { key: "lost", class: "lost", role: "status" }, "The connection is lost. What you see may be old; it goes on by itself when the desk answers.") : null,
      h("div", { key: "toasts", class: "toasts", role: "status", "aria-live": "polite" }, toasts.map((one) => h("div", { key: one.id, class: "toast" }, h("span", {}, one.text),
        one.undo ? button("Undo", () => { this.drop(one); attempt(one.undo); }, "bare") : null))),
      sheet === "palette" ? h("fd-palette", { key: "palette", pages: this.pages(), close: () => this.fold("palette"), theme: () => this.nextTheme(), leave: () => this.leave() }) : null,
      sheet === "shortcuts" ? this.shortcuts() : null,
    ];
  }

  /** Closes a sheet, unless another one has taken its place meanwhile. */
  fold(sheet) {
    if (this.state.sheet === sheet) this.set({ sheet: null });
  }

  gate() {
    return location.pathname === "/setup" ? h("fd-setup", { key: "setup" }) : h("fd-sign-in", { key: "sign-in" });
  }

  desk(me) {
    const [name, ...rest] = location.pathname.split("/").filter(Boolean);
    const isKnown = this.pages().some(([page]) => page === name);
    const where = name !== "knowledge" ? name : ["new", "scans"].includes(rest[0]) ? "scans" : rest[0] === "review" ? "review" : name;
    return h("div", { key: "desk", class: "desk" },
      h("a", { class: "skip", href: "#main" }, "Skip to the page"),
      h("nav", { class: "rail", "aria-label": "Console" },
        h("a", { class: "brand", href: "/" }, h("svg", { viewBox: "0 0 32 32", "aria-hidden": "true" }, h("path", { d: "M6 22a10 10 0 0 1 20 0zM5 23.5h22v2.5H5zM16 7a2 2 0 1 0 0 4 2 2 0 1 0 0-4" })), h("span", {}, me.organization.name)),
        this.pages().map(([page, title, picture]) => h("a", { key: page, class: "nav", href: `/${page}`, "aria-current": page === name ? "page" : null }, icon(picture), h("span", {}, title))),
        h("span", { class: "spring" }),
        me.member?.agent_id && me.scopes.some((scope) => ["admin", "conversations"].includes(scope)) ? h("fd-bell", { key: "bell" }) : null,
        h("button", { class: "nav rail-only", type: "button", title: "Go anywhere (Ctrl K)", onclick: () => this.set({ sheet: "palette" }) }, icon("search"), h("span", {}, "Go to…")),
        h("button", { class: "nav rail-only", type: "button", onclick: () => this.nextTheme() }, icon("theme"), h("span", {}, `${THEMES[this.state.theme]} theme`)),
        h("button", { class: "nav rail-only", type: "button", title: me.member?.email, onclick: () => this.leave() }, icon("leave"), h("span", {}, "Sign out"))),
      h("main", { id: "main", tabindex: "-1" }, isKnown ? h(`fd-${where}`, { key: where, path: rest.join("/"), search: new URL(this.state.path ?? location.href, location).search, me })
        : h("div", { class: "content" }, h("h1", {}, "Nothing here"), h("p", {}, "This address leads nowhere, or your membership does not include it."), h("a", { class: "button", href: "/" }, "Back to the desk"))));
  }

  shortcuts() {
    return h("fd-drawer", { key: "shortcuts", title: "Keys", close: () => this.fold("shortcuts"),
      content: h("dl", { class: "keys" }, SHORTCUTS.map(([keys, does]) => h("div", { key: keys }, h("dt", {}, keys.split("  ").map((one) => h("kbd", { key: one }, one))), h("dd", {}, does)))) });
  }
}

/** Goes anywhere: pages, conversations by their words. */
class Palette extends View {
  state = { text: "", found: [], at: 0 };

  entered() {
    this.before = document.activeElement;
  }

  rendered() {
    const dialog = this.querySelector("dialog");
    if (dialog && !dialog.open) dialog.showModal();
  }

  left() {
    clearTimeout(this.timer);
    if (this.before?.isConnected) this.before.focus();
  }

  choices() {
    const { text, found } = this.state;
    const { pages, theme, leave } = this.given;
    const has = (name) => pages.some(([page]) => page === name);
    const fixed = [
      ...pages.map(([page, title]) => [title, () => go(`/${page}`)]),
      has("knowledge") && ["Add a website", () => go("/knowledge/new")], has("knowledge") && ["Write an article", () => go("/knowledge/articles/new")],
      has("settings") && ["API keys", () => go("/settings/keys")], has("settings") && ["Members", () => go("/settings/members")], has("settings") && ["Widget", () => go("/settings/widget")], has("settings") && ["Prompts", () => go("/settings/prompts")], has("settings") && ["Model", () => go("/settings/model")], has("settings") && ["Hours", () => go("/settings/hours")], has("knowledge") && ["Review", () => go("/knowledge/review")],
      ["API documentation", () => { location.href = "/docs"; }], ["Change theme", theme], ["Sign out", leave],
    ].filter(Boolean);
    const words = text.toLowerCase().split(/\s+/);
    return [...fixed.filter(([title]) => words.every((one) => title.toLowerCase().includes(one))), ...found];
  }

  type(text) {
    this.set({ text, at: 0 });
    clearTimeout(this.timer);
    if (text.trim().length < 2) return this.set({ found: [] });
    this.timer = setTimeout(async () => {
      const list = await get(`/v1/conversations?limit=6&q=${encodeURIComponent(text.trim())}`).catch(() => null);
      if (this.state.text === text) this.set({ found: (list?.data ?? []).map((one) => [one.title || one.preview?.snippet || "Conversation", () => go(`/inbox/${one.id}`), one.preview?.customer_name]) });
    }, 150);
  }

  key(event) {
    const choices = this.choices();
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) {
      event.preventDefault();
      this.set({ at: (this.state.at + step + choices.length) % Math.max(1, choices.length) });
    } else if (event.key === "Enter") {
      event.preventDefault();
      this.choose(choices[this.state.at]);
    }
  }

  choose(choice) {
    if (!choice) return;
    this.given.close();
    choice[1]();
  }

  render() {
    const choices = this.choices();
    return h("dialog", { class: "palette", "aria-label": "Go to", onclose: this.given.close, onclick: (event) => event.target === event.currentTarget && this.given.close() },
      h("input", { type: "text", role: "combobox", "aria-expanded": "true", "aria-controls": "palette-list", "aria-activedescendant": choices.length ? `choice-${this.state.at}` : null, "aria-label": "Go to", placeholder: "A page, an action, words of a conversation…", autofocus: true,
        value: this.state.text, oninput: (event) => this.type(event.target.value), onkeydown: (event) => this.key(event) }),
      h("ul", { id: "palette-list", role: "listbox", "aria-label": "Places" }, choices.map((choice, at) => h("li", { key: `${at}-${choice[0]}`, id: `choice-${at}`, role: "option", "aria-selected": String(at === this.state.at), onclick: () => this.choose(choice) },
        h("span", {}, choice[0]), choice[2] ? h("span", { class: "soft" }, choice[2]) : null))),
      choices.length ? null : h("p", { class: "soft" }, sentence("nothing has these words")));
  }
}

customElements.define("fd-palette", Palette);
customElements.define("fd-app", App);
