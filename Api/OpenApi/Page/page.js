"use strict";
// Shows /openapi/v1.json. Everything is put in as text: nothing of the document is ever markup.

const methods = ["get", "put", "post", "delete", "patch", "head", "options"];

function element(name, text, ...children) {
  const made = document.createElement(name);
  if (text) {
    made.textContent = text;
  }

  made.append(...children.filter(child => child));
  return made;
}

function table(heads, rows) {
  return element("table", "",
    element("thead", "", element("tr", "", ...heads.map(head => element("th", head)))),
    element("tbody", "", ...rows.map(cells => element("tr", "", ...cells.map(cell => element("td", cell))))));
}

// A schema in a few words, the ones it refers to by their names.
function words(schema) {
  if (!schema) {
    return "";
  }

  if (schema.$ref) {
    return schema.$ref.split("/").pop();
  }

  const parts = schema.oneOf || schema.anyOf || schema.allOf;
  if (parts) {
    return parts.map(words).join(" or ");
  }

  const type = [].concat(schema.type || "any").join(" or ");
  return type.replace("array", "array of " + (words(schema.items) || "any")) + (schema.enum ? ": " + schema.enum.join(", ") : "");
}

// A body: its type, its properties, its example.
function body(content, schemas) {
  return Object.entries(content || {}).flatMap(([type, media]) => {
    const name = words(media.schema);
    const known = schemas[name] || media.schema || {};
    const required = new Set(known.required || []);
    const rows = Object.entries(known.properties || {}).map(([property, schema]) =>
      [property + (required.has(property) ? "" : " (optional)"), words(schema), schema.description || ""]);
    return [
      element("p", "", element("code", type), document.createTextNode(name ? " " + name : "")),
      rows.length ? table(["property", "type", ""], rows) : null,
      media.example ? element("pre", JSON.stringify(media.example, null, 2)) : null,
    ];
  });
}

function show(method, path, operation, schemas) {
  const details = element("details", "");
  details.id = operation.operationId;
  details.dataset.text = [method, path, operation.summary, operation.description].join(" ").toLowerCase();
  const verb = element("span", method.toUpperCase());
  verb.className = "method";
  details.append(element("summary", "", verb, element("code", path), document.createTextNode(" " + (operation.summary || ""))));

  // Filled when it is opened: most never are.
  details.addEventListener("toggle", () => {
    if (details.childElementCount > 1) {
      return;
    }

    const parameters = (operation.parameters || []).map(p =>
      [p.name, p.in + (p.required ? "" : ", optional"), words(p.schema), p.description || ""]);
    const known = (operation.security || []).length > 0;
    details.append(...[
      operation.description ? element("p", operation.description) : null,
      element("p", known ? "With Authorization: Bearer <key or token>, or X-API-Key: <key>." : "Without credentials."),
      parameters.length ? element("h3", "Parameters") : null,
      parameters.length ? table(["name", "in", "type", ""], parameters) : null,
      operation.requestBody ? element("h3", "Body") : null,
      ...body(operation.requestBody && operation.requestBody.content, schemas),
      element("h3", "Answers"),
      ...Object.entries(operation.responses || {}).flatMap(([status, response]) => [
        element("p", "", element("strong", status), document.createTextNode(" " + (response.description || ""))),
        ...(status < 400 ? body(response.content, schemas) : []),
      ]),
    ].filter(part => part));
  });
  return details;
}

async function load() {
  const main = document.getElementById("operations");
  try {
    const answer = await fetch("/openapi/v1.json");
    if (!answer.ok) {
      throw new Error("status " + answer.status);
    }

    const api = await answer.json();
    document.title = document.getElementById("title").textContent = api.info.title;
    document.getElementById("description").textContent = api.info.description || "";
    const schemas = (api.components && api.components.schemas) || {};
    const sections = new Map();
    for (const [path, item] of Object.entries(api.paths)) {
      for (const method of methods.filter(m => item[m])) {
        const tag = (item[method].tags || ["api"])[0];
        if (!sections.has(tag)) {
          sections.set(tag, element("section", "", element("h2", tag)));
        }

        sections.get(tag).append(show(method, path, item[method], schemas));
      }
    }

    main.replaceChildren(...sections.values());
    const linked = location.hash && document.getElementById(location.hash.slice(1));
    if (linked) {
      linked.open = true;
      linked.scrollIntoView();
    }
  } catch (error) {
    main.replaceChildren(element("p", "The document could not be read: " + error.message));
  }
}

document.getElementById("filter").addEventListener("input", event => {
  const wanted = event.target.value.toLowerCase();
  for (const details of document.querySelectorAll("details")) {
    details.hidden = !details.dataset.text.includes(wanted);
  }

  for (const section of document.querySelectorAll("section")) {
    section.hidden = !section.querySelector("details:not([hidden])");
  }
});

load();
