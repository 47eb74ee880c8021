// The doors: the first set-up or an invitation by a one-time link, and signing in.

import { get, open } from "../api.js";
import { failure, field, sentence, skeleton, word } from "../parts.js";
import { View, h } from "../view.js";

const brand = () => h("p", { class: "gate-brand" }, h("svg", { viewBox: "0 0 32 32", "aria-hidden": "true" }, h("path", { d: "M6 22a10 10 0 0 1 20 0zM5 23.5h22v2.5H5zM16 7a2 2 0 1 0 0 4 2 2 0 1 0 0-4" })), "frontdesk");

const gate = (...content) => h("main", { class: "gate" }, brand(), h("div", { class: "gate-card" }, content));

/** A form that is sent once at a time; what is wrong stands at its field. */
class Door extends View {
  state = { fields: {}, problem: null, isBusy: false };

  input(label, name, type, more = {}) {
    const { problem, fields } = this.state;
    const isWrong = problem?.pointer === `/${name}`;
    const given = { type, name, required: true, value: fields[name] ?? "", autocomplete: more.autocomplete, minlength: more.minlength, maxlength: "200", oninput: (event) => this.set({ fields: { ...this.state.fields, [name]: event.target.value } }) };
    if (more.isFirst) given.ready = (node) => node.focus();
    return field(label, h("input", given), { hint: more.hint, problem: isWrong ? sentence(problem.message) : undefined });
  }

  async send(event, path, body) {
    event.preventDefault();
    this.set({ isBusy: true, problem: null });
    try {
      await open(path, body);
      dispatchEvent(new CustomEvent("fd-signed-in"));
    } catch (problem) {
      this.set({ problem, isBusy: false });
      this.querySelector("[aria-invalid]")?.focus();
    }
  }

  told() {
    const { problem } = this.state;
    return problem && !["/name", "/email", "/password"].includes(problem.pointer) ? failure(problem) : null;
  }
}

class SignIn extends Door {
  render() {
    const isOver = new URLSearchParams(location.search).has("over");
    const { fields, isBusy } = this.state;
    return gate(h("h1", {}, "Sign in"),
      isOver ? h("p", { class: "notice", role: "status" }, "Your session has ended. Sign in to go on where you were.") : null,
      h("form", { class: "form", onsubmit: (event) => this.send(event, "/v1/session", { email: fields.email ?? "", password: fields.password ?? "" }) },
        this.input("E-mail", "email", "email", { autocomplete: "username", isFirst: true }), this.input("Password", "password", "password", { autocomplete: "current-password" }),
        this.told(), h("button", { class: "primary", type: "submit", disabled: isBusy }, isBusy ? "Signing in…" : "Sign in")),
      h("p", { class: "soft" }, "No account yet? Ask a member for an invitation. On a fresh desk, open the one-time link that ", h("code", {}, "frontdesk up"), " prints."));
  }
}
customElements.define("fd-sign-in", SignIn);

class SetUp extends Door {
  async entered() {
    this.token = new URLSearchParams(location.search).get("t") ?? "";
    try {
      this.set({ link: await get(`/v1/setup?token=${encodeURIComponent(this.token)}`) });
    } catch (problem) {
      this.set({ failed: problem });
    }
  }

  render() {
    const { link, failed, fields, isBusy } = this.state;
    if (failed) return gate(failure(failed, () => this.entered()));
    if (!link) return gate(skeleton(4));
    if (link.state !== "valid") return this.over(link.state);
    return gate(h("h1", {}, link.is_first ? "Set up your desk" : "Join the desk"),
      h("p", { class: "soft" }, link.is_first ? "You become the first member, with every right. It takes a minute; the playground opens next." : `You were invited, with access to: ${link.scopes.map(word).join(", ")}.`),
      h("form", { class: "form", onsubmit: (event) => this.send(event, "/v1/setup", { token: this.token, name: fields.name ?? "", email: fields.email ?? "", password: fields.password ?? "" }) },
        this.input("Your name", "name", "text", { autocomplete: "name", isFirst: true, hint: "Customers see it when you answer." }),
        this.input("E-mail", "email", "email", { autocomplete: "username" }),
        this.input("Password", "password", "password", { autocomplete: "new-password", minlength: "10", hint: "At least 10 characters." }),
        this.told(), h("button", { class: "primary", type: "submit", disabled: isBusy }, isBusy ? "One moment…" : link.is_first ? "Open the desk" : "Join")));
  }

  over(state) {
    const why = { used: "This link was used already", expired: "This link has expired", unknown: "This link is not known" }[state];
    return gate(h("h1", {}, why),
      h("p", {}, state === "used" ? "Somebody made a member with it. If it was you, sign in." : "One-time links work once, for a limited time."),
      h("p", { class: "soft" }, "While the desk has no member, ", h("code", {}, "frontdesk up"), " prints a fresh one at every start. Otherwise a member makes one under Settings › Members."),
      h("a", { class: "button primary", href: "/sign-in" }, "Sign in"));
  }
}
customElements.define("fd-setup", SetUp);
