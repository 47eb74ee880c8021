"use strict";
// Draws the OpenAPI document. Text only ever enters the page as text nodes.

const METHODS = ["get", "post", "put", "patch", "delete"];
const DEPTH_MAX = 4;
let document_ = {};

function make(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) element.setAttribute(name, value);
  element.append(...children.filter((child) => child !== undefined && child !== null));
  return element;
}

function resolved(node) {
  if (!node || !node.$ref) return node || {};
  return node.$ref.slice(2).split("/").reduce((found, name) => (found || {})[name.replaceAll("~1", "/")], document_) || {};
}

function typeOf(schema) {
  if (schema.$ref) return typeOf(resolved(schema)) === "object" ? schema.$ref.split("/").pop() : typeOf(resolved(schema));
  const options = schema.oneOf || schema.anyOf;
  if (options) return options.map(typeOf).filter((type, place, all) => all.indexOf(type) === place).join(" or ");
  if (schema.allOf) return "object";
  if (schema.enum) return schema.enum.map((word) => JSON.stringify(word)).join(" | ");
  const types = [].concat(schema.type || "object");
  return types.map((type) => (type === "array" ? "list of " + typeOf(schema.items || {}) : type)).join(" or ")
    + (schema.format ? " (" + schema.format + ")" : "");
}

// The object that a field holds, whether alone, in a list or beside null.
function inner(schema) {
  const found = resolved(schema);
  if (found.items) return inner(found.items);
  const options = found.oneOf || found.anyOf;
  if (options) return options.map(inner).find((option) => fields(option).length) || {};
  return found;
}

function fields(schema) {
  const parts = (schema.allOf || [schema]).map(resolved);
  return parts.flatMap((part) => Object.entries(part.properties || {}).map(([name, field]) => ({
    name, field, required: (part.required || []).includes(name),
  })));
}

function rows(schema, depth) {
  return fields(inner(schema)).flatMap(({ name, field, required }) => {
    const cell = make("td", {}, make("code", {}, name), required ? " *" : "");
    cell.style.paddingLeft = depth * 1.25 + "rem";
    const row = make("tr", {}, cell, make("td", { class: "type" }, typeOf(field)),
      make("td", {}, field.description || resolved(field).description || ""));
    return [row, ...(depth < DEPTH_MAX ? rows(field, depth + 1) : [])];
  });
}

function table(schema) {
  const body = rows(schema, 0);
  if (!body.length) return make("p", { class: "type" }, typeOf(schema));
  return make("table", {}, make("thead", {}, make("tr", {}, ...["Field", "Type", "Meaning"].map((name) => make("th", { scope: "col" }, name)))),
    make("tbody", {}, ...body));
}

function schemaIn(content) {
  const first = Object.values(content || {})[0];
  return first && first.schema;
}

function example(schema, depth) {
  const found = inner(schema);
  return Object.fromEntries(fields(found).filter(({ required }) => required).map(({ name, field }) => [name, sample(field, depth)]));
}

function sample(field, depth) {
  const found = resolved(field);
  if (found.example !== undefined) return found.example;
  if (found.enum) return found.enum[0];
  const type = [].concat(found.type || (found.oneOf ? "string" : "object"))[0];
  if (type === "array") return [];
  if (type === "object") return depth < 2 ? example(field, depth + 1) : {};
  return { integer: 1, number: 0.5, boolean: false }[type] ?? "";
}

function parameters(operation) {
  const list = operation.parameters || [];
  if (!list.length) return undefined;
  return make("div", {}, make("h3", {}, "Parameters"), make("table", {}, make("tbody", {}, ...list.map((parameter) =>
    make("tr", {}, make("td", {}, make("code", {}, parameter.name), parameter.required ? " *" : ""),
      make("td", { class: "type" }, parameter.in + ", " + typeOf(parameter.schema || {})),
      make("td", {}, parameter.description || ""))))));
}

function requestBody(operation) {
  const schema = operation.requestBody && schemaIn(operation.requestBody.content);
  return schema && make("div", {}, make("h3", {}, "Body"), table(schema));
}

function responses(operation) {
  return Object.entries(operation.responses || {}).map(([status, response]) => {
    const schema = schemaIn(response.content);
    return make("details", {}, make("summary", {}, make("code", {}, status), " ", response.description || ""),
      schema && table(schema));
  });
}

function tryIt(path, method, operation) {
  const place = make("input", { "aria-label": "Address", size: "60" });
  place.value = path;
  const schema = operation.requestBody && schemaIn(operation.requestBody.content);
  const body = schema && make("textarea", { "aria-label": "Body", spellcheck: "false" });
  if (body) body.value = JSON.stringify(example(schema, 0), null, 2);
  const output = make("pre", { role: "status", hidden: "" });
  const button = make("button", { type: "button" }, "Send");
  button.addEventListener("click", async () => {
    output.hidden = false;
    output.textContent = "…";
    output.textContent = await send(place.value, method, body && body.value).catch(String);
  });
  return make("details", {}, make("summary", {}, "Try it"), make("p", {}, place, " ", button), body, output);
}

async function send(path, method, body) {
  const headers = { authorization: "Bearer " + document.getElementById("key").value };
  if (body) headers["content-type"] = "application/json";
  const response = await fetch(path, { method: method.toUpperCase(), headers, body });
  if ((response.headers.get("content-type") || "").startsWith("text/event-stream")) {
    await response.body.cancel();
    return response.status + "\n\nA stream: read it with curl -N.";
  }
  const text = await response.text();
  try {
    return response.status + "\n\n" + JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return response.status + "\n\n" + text;
  }
}

function drawn(path, method, operation) {
  const body = make("div", {}, make("p", {}, operation.description || operation.summary || ""));
  const details = make("details", { class: "operation", id: operation.operationId },
    make("summary", {}, make("span", { class: "method " + method }, method.toUpperCase()), make("span", { class: "path" }, path),
      make("span", { class: "summary" }, operation.summary || "")), body);
  details.addEventListener("toggle", () => {
    if (!details.open || body.dataset.drawn) return;
    body.dataset.drawn = "yes";
    body.append(...[parameters(operation), requestBody(operation), make("h3", {}, "Responses"), ...responses(operation),
      tryIt(path, method, operation)].filter(Boolean));
  });
  details.dataset.words = [path, method, operation.operationId, operation.summary, operation.description].join(" ").toLowerCase();
  return details;
}

function draw(openapi) {
  document_ = openapi;
  document.getElementById("about").textContent = openapi.info.description + " Version " + openapi.info.version + ".";
  const groups = new Map();
  for (const [path, item] of Object.entries(openapi.paths)) {
    for (const method of METHODS.filter((method) => item[method])) {
      const tag = (item[method].tags || ["other"])[0];
      groups.set(tag, [...(groups.get(tag) || []), drawn(path, method, item[method])]);
    }
  }
  for (const [tag, operations] of groups) {
    document.getElementById("tags").append(make("a", { href: "#tag-" + tag }, tag));
    document.getElementById("operations").append(make("section", {}, make("h2", { id: "tag-" + tag }, tag), ...operations));
  }
  filter();
  openNamed();
}

function filter() {
  const words = document.getElementById("search").value.toLowerCase().split(/\s+/).filter(Boolean);
  let shown = 0;
  for (const section of document.querySelectorAll("section")) {
    const operations = [...section.querySelectorAll("details.operation")];
    for (const operation of operations) operation.hidden = !words.every((word) => operation.dataset.words.includes(word));
    const left = operations.filter((operation) => !operation.hidden).length;
    section.hidden = left === 0;
    shown += left;
  }
  document.getElementById("count").textContent = shown + " operations";
}

function openNamed() {
  const named = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (!named) return;
  if (named.tagName === "DETAILS") named.open = true;
  named.scrollIntoView();
}

addEventListener("hashchange", openNamed);
document.getElementById("search").addEventListener("input", filter);
fetch("/openapi.json").then((response) => response.json()).then(draw).catch((error) => {
  document.getElementById("about").textContent = "The description cannot be read: " + error;
});
