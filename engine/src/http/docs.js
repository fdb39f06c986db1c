// Draws /api/v1/openapi.json. Text from the document goes in as text, never as HTML.
"use strict";

const METHODS = ["get", "post", "put", "patch", "delete"];

function element(tag, attributes, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children.filter((child) => child !== null));
  return node;
}

function resolve(doc, schema, depth) {
  if (!schema || depth > 6) return {};
  if (!schema.$ref) return schema;
  return resolve(doc, doc.components.schemas[schema.$ref.split("/").pop()], depth + 1);
}

// An example value of a schema, so that a reader sees the shape.
function example(doc, given, depth = 0) {
  const schema = resolve(doc, given, depth);
  if (depth > 6) return null;
  if ("example" in schema) return schema.example;
  if (schema.examples) return schema.examples[0];
  if (schema.enum) return schema.enum[0];
  if (schema.allOf) return Object.assign({}, ...schema.allOf.map((part) => example(doc, part, depth + 1)));
  const choice = (schema.oneOf || schema.anyOf || []).find((part) => part.type !== "null");
  if (choice) return example(doc, choice, depth + 1);
  const type = [].concat(schema.type || "object").find((name) => name !== "null");
  if (type === "array") return [example(doc, schema.items, depth + 1)];
  if (type === "string") return schema.format === "date-time" ? "2026-11-22T08:30:00.000Z" : "text";
  if (type === "boolean") return true;
  if (type === "integer" || type === "number") return 0;
  const members = Object.entries(schema.properties || {});
  return Object.fromEntries(members.map(([name, member]) => [name, example(doc, member, depth + 1)]));
}

function body(doc, title, content) {
  const entry = Object.entries(content || {})[0];
  if (!entry) return null;
  const [type, { schema }] = entry;
  const shown = type.endsWith("json") && schema ? JSON.stringify(example(doc, schema), null, 2) : type;
  return element("div", {}, element("h4", {}, title), element("pre", {}, shown));
}

function parameters(list) {
  if (!list || list.length === 0) return null;
  const rows = list.map((parameter) => element("tr", {},
    element("td", {}, element("code", {}, parameter.name)),
    element("td", {}, parameter.in),
    element("td", {}, parameter.description || "")));
  return element("table", {}, ...rows);
}

function operation(doc, path, method, described) {
  const good = Object.entries(described.responses).find(([status]) => /^[12]/.test(status));
  return element("details", { id: described.operationId || "" },
    element("summary", {},
      element("span", { class: "method" }, method.toUpperCase()),
      element("span", { class: "path" }, path),
      element("span", {}, described.summary || ""),
      element("span", { class: "needs" }, described["x-permission"] || "")),
    element("div", {},
      described.description ? element("p", {}, described.description) : null,
      parameters(described.parameters),
      body(doc, "Request", described.requestBody && described.requestBody.content),
      good ? body(doc, `Answer ${good[0]}`, good[1].content) : null));
}

async function draw() {
  const main = document.getElementById("reference");
  const doc = await (await fetch("/api/v1/openapi.json")).json();
  const groups = new Map();
  for (const [path, item] of Object.entries(doc.paths)) {
    for (const method of METHODS.filter((name) => item[name])) {
      const tag = (item[method].tags || ["other"])[0];
      groups.set(tag, [...(groups.get(tag) || []), operation(doc, path, method, item[method])]);
    }
  }
  main.replaceChildren(
    element("p", {}, doc.info.description),
    element("p", {}, element("a", { href: "/api/v1/openapi.json" }, "openapi.json")));
  for (const [tag, operations] of [...groups].sort()) main.append(element("h2", {}, tag), ...operations);
}

draw().catch((error) => { document.getElementById("reference").textContent = String(error); });
