// Settings › Hours: when people are there, and how a conversation is offered to them.

import { change, get } from "../api.js";
import { button, failure, field, select, sentence, skeleton, toast } from "../parts.js";
import { View, h } from "../view.js";

const DAYS = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
/** What a desk begins with when it is not always open. */
const USUAL = { periods: DAYS.slice(0, 5).map((day) => ({ day, from: "09:00", until: "17:00" })), closed_on: [] };

class Hours extends View {
  state = { people: null, problem: null, wrong: null };

  async entered() {
    try {
      this.set({ people: await get("/v1/settings/people"), problem: null });
    } catch (problem) {
      this.set({ problem });
    }
  }

  alter(fields) {
    this.set({ people: { ...this.state.people, ...fields }, wrong: null, isChanged: true });
  }

  open(fields) {
    this.alter({ opening_hours: { ...this.state.people.opening_hours, ...fields } });
  }

  /** A day has one period here; more than one are kept as they are until the day is changed. */
  period(day, fields) {
    const { periods } = this.state.people.opening_hours;
    const present = periods.find((one) => one.day === day);
    const others = periods.filter((one) => one.day !== day);
    const next = fields ? [...others, { day, from: "09:00", until: "17:00", ...present, ...fields }] : others;
    this.open({ periods: next.sort((a, b) => DAYS.indexOf(a.day) - DAYS.indexOf(b.day) || a.from.localeCompare(b.from)) });
  }

  async save() {
    try {
      this.set({ people: await change("/v1/settings/people", this.state.people), wrong: null, isChanged: false });
      toast("Saved. It holds from the next message on.");
    } catch (wrong) {
      this.set({ wrong });
    }
  }

  render() {
    const { people, problem, wrong, isChanged } = this.state;
    if (problem) return failure(problem, () => this.entered());
    if (!people) return skeleton(6);
    const hours = people.opening_hours;
    const seconds = (name, label, hint) => field(label, h("input", { type: "number", min: "1", max: "86400", value: people[name], oninput: (event) => this.alter({ [name]: Number(event.target.value) }) }), { hint, problem: wrong?.pointer === `/${name}` ? sentence(wrong.message) : undefined });
    return h("div", { class: "form narrow-form" },
      field("The desk is open", select([["", "Always"], ["set", "At set hours"]], hours ? "set" : "", (value) => this.alter({ opening_hours: value ? { time_zone: Intl.DateTimeFormat().resolvedOptions().timeZone, ...USUAL } : null })), { hint: "Outside of them customers hear that a person replies later, and the AI goes on with what it can." }),
      hours ? h("div", { key: "hours", class: "form" },
        field("Time zone", h("input", { type: "text", value: hours.time_zone, oninput: (event) => this.open({ time_zone: event.target.value }) }), { hint: "As in Europe/Vienna." }),
        h("fieldset", {}, h("legend", {}, "Days"), DAYS.map((day) => this.day(day, hours.periods.filter((one) => one.day === day)))),
        field("Closed on", h("textarea", { rows: "2", class: "code", value: (hours.closed_on ?? []).join("\n"), placeholder: "2026-12-25", onchange: (event) => this.open({ closed_on: event.target.value.split(/[\s,]+/).filter(Boolean) }) }), { hint: "Dates, one a line." })) : null,
      field("Who is there", select([["heartbeat", "Agents whose console is open"], ["assumed", "Somebody, at these hours"]], people.presence, (presence) => this.alter({ presence })), { hint: "The second is for desks whose people work in another system." }),
      seconds("accept_within_s", "Seconds to take what is offered", "Then it goes to the next agent."),
      seconds("heartbeat_timeout_s", "Seconds until a silent agent counts as away"),
      h("label", { class: "choice" }, h("input", { type: "checkbox", checked: people.ai_while_waiting, onchange: (event) => this.alter({ ai_while_waiting: event.target.checked }) }), h("span", {}, "While somebody waits and nobody is there, the AI goes on answering what it can")),
      wrong ? failure(wrong) : null,
      h("p", { key: "save", class: "row" }, button("Save", () => this.save(), "primary", { disabled: !isChanged })));
  }

  day(day, periods) {
    const [first, ...more] = periods;
    const time = (name) => h("input", { type: "time", class: "short", value: first[name], "aria-label": `${day} ${name}`, onchange: (event) => event.target.value && this.period(day, { [name]: event.target.value }) });
    return h("div", { key: day, class: "row day" },
      h("label", { class: "choice" }, h("input", { type: "checkbox", checked: Boolean(first), onchange: (event) => this.period(day, event.target.checked ? {} : null) }), h("strong", {}, day)),
      first ? [time("from"), "to", time("until"), more.length ? h("span", { class: "soft" }, more.map((one) => `and ${one.from} to ${one.until}`).join(" ")) : null] : h("span", { class: "soft" }, "closed"));
  }
}
customElements.define("fd-hours", Hours);
