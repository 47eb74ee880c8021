// The bell: what an agent is told, with how much of it they have not seen.

import { get, live, post } from "../api.js";
import { ago, attempt, button, chip, drawer, empty, failure, icon, skeleton } from "../parts.js";
import { View, h } from "../view.js";

/** Notifications shown in the drawer. */
const SHOWN = 30;
/** Milliseconds in which events are gathered. */
const GATHER_MS = 80;
const KINDS = {
  offered: "Offered to you", withdrawn: "Went to somebody else", transferred: "Given to you by a colleague", mentioned: "A note names you",
  queue_waiting: "Waits in the queue", customer_replied: "The customer wrote",
};

class Bell extends View {
  state = { list: null, titles: {}, isOpen: false, problem: null };

  entered() {
    this.onhappened = (event) => (!event.detail || event.detail.kind.startsWith("notification.")) && this.gather();
    live.addEventListener("happened", this.onhappened);
    live.addEventListener("back", this.onhappened);
    this.load();
  }

  left() {
    live.removeEventListener("happened", this.onhappened);
    live.removeEventListener("back", this.onhappened);
    clearTimeout(this.timer);
  }

  gather() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.load(), GATHER_MS);
  }

  async load() {
    try {
      this.set({ list: await get(`/v1/notifications?limit=${SHOWN}`), problem: null });
      if (this.state.isOpen) await this.name();
    } catch (problem) {
      this.set({ problem });
    }
  }

  /** Reads what the conversations are called. */
  async name() {
    const { list, titles } = this.state;
    const fresh = [...new Set(list?.data.map((one) => one.conversation_id))].filter((id) => !(id in titles));
    const found = await Promise.all(fresh.map((id) => get(`/v1/conversations/${id}`).catch(() => ({}))));
    this.set({ titles: { ...titles, ...Object.fromEntries(fresh.map((id, at) => [id, found[at].title])) } });
  }

  async read(ids) {
    await attempt(() => post("/v1/notifications/read", ids ? { ids } : {}));
    await this.load();
  }

  render() {
    const { list, isOpen } = this.state;
    const unread = list?.unread_count ?? 0;
    return [h("button", { class: "nav", type: "button", "aria-label": `Notifications, ${unread} unread`, onclick: () => { this.set({ isOpen: true }); this.name(); } },
      icon("bell"), h("span", {}, "Notices"), unread ? h("b", { class: "badge" }, unread > 99 ? "99+" : unread) : null),
    isOpen ? drawer("Notifications", this.content(), () => this.set({ isOpen: false })) : null];
  }

  content() {
    const { list, titles, problem } = this.state;
    if (problem) return failure(problem, () => this.load());
    if (!list) return skeleton(5);
    if (!list.data.length) return empty("Nothing to tell", "What is offered to you, notes that name you and customers who wait stand here.");
    return h("div", { class: "form" },
      h("p", { class: "row" }, Object.entries(list.unread).map(([kind, unread]) => chip(`${KINDS[kind] ?? kind}: ${unread}`, "info")), h("span", { class: "spring" }), list.unread_count ? button("Mark all as seen", () => this.read(), "quiet small") : null),
      h("ul", { class: "notices" }, list.data.map((one) => h("li", { key: one.id, class: one.read_at ? "" : "unread" },
        h("a", { href: `/inbox/${one.conversation_id}`, onclick: () => { this.set({ isOpen: false }); if (!one.read_at) this.read([one.id]); } }, h("strong", {}, KINDS[one.kind] ?? one.kind), h("span", { class: "soft" }, titles[one.conversation_id] || "Conversation")),
        one.read_at ? null : h("span", { class: "sr" }, "not seen"), ago(one.created_at)))));
  }
}
customElements.define("fd-bell", Bell);
