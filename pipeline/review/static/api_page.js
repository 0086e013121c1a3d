// The API for people: the OpenAPI description as a page.

import { clear, h } from "./dom.js";

const view = document.getElementById("view");
const description = await (await fetch("/api/openapi.json")).json();
const schemas = description.components?.schemas ?? {};
const named = (ref) => ref.split("/").at(-1);

/** A schema in one line of words. */
function words(schema) {
  if (!schema) return "";
  if (schema.$ref) return named(schema.$ref);
  if (schema.anyOf) return schema.anyOf.map(words).join(" or ");
  if (schema.enum) return schema.enum.join(" | ");
  if (schema.const !== undefined) return String(schema.const);
  if (schema.type === "array") return `list of ${words(schema.items) || "values"}`;
  return schema.type || "anything";
}

const row = (name, schema, about, required) => h("tr", {}, h("td", {}, h("code", {}, name), required ? " *" : ""), h("td", {}, words(schema)),
  h("td", {}, [about, schema.default !== undefined ? `default ${JSON.stringify(schema.default)}` : ""].filter(Boolean).join(" · ")));

function fieldsOf(schema) {
  const shape = schema?.$ref ? schemas[named(schema.$ref)] : schema;
  return Object.entries(shape?.properties ?? {}).map(([name, each]) => row(name, each, each.description, shape.required?.includes(name)));
}

function operation(path, method, facts) {
  const content = Object.entries(facts.requestBody?.content ?? {})[0];
  const rows = [...(facts.parameters ?? []).map((each) => row(each.name, each.schema, each.in, each.required)), ...(content ? fieldsOf(content[1].schema) : [])];
  return h("article", { class: "panel" },
    h("h3", {}, h("code", {}, method.toUpperCase()), ` ${path}`), h("p", {}, facts.description ?? ""),
    content ? h("small", {}, `body: ${content[0]}`) : "",
    rows.length ? h("table", { class: "small" }, rows) : "",
    h("small", {}, `answers: ${Object.keys(facts.responses).join(", ")}`));
}

const groups = {};
for (const [path, methods] of Object.entries(description.paths))
  for (const [method, facts] of Object.entries(methods)) (groups[facts.tags?.[0] ?? "other"] ??= []).push(operation(path, method, facts));
const example = `curl -s -X POST ${location.origin}/api/jobs -H 'content-type: application/json' -d '{"steps": ["all"]}'\ncurl -s ${location.origin}/api/jobs/<id>`;
clear(view, h("div", { class: "plain" }, h("h1", {}, "HTTP API"), h("p", {}, description.info.description),
  h("p", { class: "quiet" }, "Refusals are {message, remedy}. With a token, send Authorization: Bearer <token>."), h("pre", {}, example),
  Object.entries(groups).flatMap(([name, articles]) => [h("h2", {}, name), ...articles])));
