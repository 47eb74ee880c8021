// What differs between two texts, word by word within lines that changed.

import { h } from "./view.js";

/** Lines or words compared at most: the table of the comparison grows with their product. */
const UNITS_MAX = 3_000;
/** The share of words that two texts have in common to be shown as one. */
const ALIKE_MIN = 0.6;

/** The steps from one list to the other: `[" " | "-" | "+", unit]`. */
export function steps(before, after) {
  let head = 0;
  while (head < before.length && head < after.length && before[head] === after[head]) head += 1;
  let tail = 0;
  while (tail < before.length - head && tail < after.length - head && before.at(-1 - tail) === after.at(-1 - tail)) tail += 1;
  const [a, b] = [before.slice(head, before.length - tail), after.slice(head, after.length - tail)];
  const same = (unit) => [" ", unit];
  const middle = a.length * b.length > UNITS_MAX * UNITS_MAX ? [...a.map((unit) => ["-", unit]), ...b.map((unit) => ["+", unit])] : compare(a, b);
  return [...before.slice(0, head).map(same), ...middle, ...before.slice(before.length - tail).map(same)];
}

/** The longest list both have in common, and what is beside it. */
function compare(a, b) {
  const width = b.length + 1;
  const lengths = new Uint16Array((a.length + 1) * width);
  for (let i = a.length - 1; i >= 0; i -= 1) {
    for (let j = b.length - 1; j >= 0; j -= 1) {
      lengths[i * width + j] = a[i] === b[j] ? lengths[(i + 1) * width + j + 1] + 1
        : Math.max(lengths[(i + 1) * width + j], lengths[i * width + j + 1]);
    }
  }
  const found = [];
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) found.push([" ", a[i++]]), (j += 1);
    else if (j >= b.length || (i < a.length && lengths[(i + 1) * width + j] >= lengths[i * width + j + 1])) found.push(["-", a[i++]]);
    else found.push(["+", b[j++]]);
  }
  return found;
}

/** Whether two texts differ so little that showing them as one text helps. */
export function isAlike(before, after) {
  if (before === after) return false;
  const words = (text) => text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];
  const [a, b] = [words(before), words(after)];
  const kept = steps(a, b).filter(([sign]) => sign === " ").length;
  return kept >= ALIKE_MIN * Math.max(a.length, b.length);
}

/** Shows two texts as one, with what went and what came. */
export function diff(before, after) {
  if (before === after) return h("p", { class: "soft" }, "Nothing differs.");
  const words = (text) => text.split(/(\s+)/).filter(Boolean);
  const runs = [];
  for (const [sign, unit] of steps(words(before), words(after))) {
    if (runs.at(-1)?.[0] === sign) runs.at(-1)[1] += unit;
    else runs.push([sign, unit]);
  }
  const tags = { " ": "span", "-": "del", "+": "ins" };
  return h("div", { class: "diff" }, runs.map(([sign, text]) => h(tags[sign], {}, text)));
}
