
"use strict";
// Records are shown through textContent alone, so nothing in them can become markup.
const PAGE = 50;
const SHORT = 700;
const records = JSON.parse(document.getElementById("data").textContent);
for (const record of records) {
  record.state = record.step ? "dropped" : "kept";
  record.words = [record.text, record.title, record.url, record.author, record.id, record.reason]
    .filter(Boolean).join("\n").toLowerCase();
}
const names = ["search", "state", "split", "source", "language"];
const field = Object.fromEntries(names.map((name) => [name, document.getElementById(name)]));
const list = document.getElementById("records");
const more = document.getElementById("more");
let found = [];
let terms = [];

function matches(record) {
  const { state, split, source, language } = field;
  return (!state.value || record.state === state.value || record.step === state.value)
    && (!split.value || record.split === split.value)
    && (!source.value || record.source === source.value)
    && (!language.value || (record.language || "-") === language.value)
    && terms.every((term) => record.words.includes(term));
}

function element(name, className, ...children) {
  const made = document.createElement(name);
  if (className) made.className = className;
  made.append(...children);
  return made;
}

function marked(text) {
  if (!terms.length) return [text];
  const lower = text.toLowerCase();
  if (lower.length !== text.length) return [text];
  const parts = [];
  let at = 0;
  while (at < text.length) {
    let next = -1;
    let length = 0;
    for (const term of terms) {
      const place = lower.indexOf(term, at);
      if (place >= 0 && (next < 0 || place < next)) {
        next = place;
        length = term.length;
      }
    }
    if (next < 0) break;
    parts.push(text.slice(at, next), element("mark", "", text.slice(next, next + length)));
    at = next + length;
  }
  parts.push(text.slice(at));
  return parts;
}

function isolated(text) {
  return element("bdi", "", ...marked(text));
}

function shortened(text) {
  const end = text.lastIndexOf(" ", SHORT);
  return text.slice(0, end > SHORT / 2 ? end : SHORT) + " …";
}

function textOf(record) {
  const text = element("p", "text");
  text.dir = "auto";
  if (record.language) text.lang = record.language;
  const whole = record.text || "";
  if (whole.length <= SHORT * 1.3) {
    text.append(...marked(whole));
    return [text];
  }
  text.append(...marked(shortened(whole)));
  const rest = element("button", "rest", "Show all");
  rest.type = "button";
  rest.addEventListener("click", () => {
    text.replaceChildren(...marked(whole));
    rest.remove();
    if (record.cut) {
      text.after(element("p", "cut", record.cut.toLocaleString("en")
        + " more characters are in the data set only."));
    }
  });
  return [text, rest];
}

function where(record) {
  const line = element("p", "where");
  if (/^https?:\/\//i.test(record.url)) {
    const link = element("a", "", ...marked(record.url));
    link.href = record.url;
    link.rel = "noopener noreferrer";
    link.target = "_blank";
    line.append(link);
  } else {
    line.append(isolated(record.url));
  }
  line.append(element("code", "", ...marked(record.id)));
  return line;
}

function shown(record) {
  const item = element("li", record.state);
  if (record.title) {
    const title = element("h2", "", isolated(record.title));
    title.dir = "auto";
    item.append(title);
  }
  const facts = element("ul", "facts");
  const state = record.step ? "dropped: " + record.step : "kept: " + record.split;
  facts.append(element("li", "state", state));
  const language = record.language || "language not sure";
  for (const fact of [record.source, record.author, record.date, record.step ? "" : language]) {
    if (fact) facts.append(element("li", "", isolated(fact)));
  }
  if (record.group) facts.append(element("li", "", "group " + record.group));
  item.append(facts);
  if (record.reason) item.append(element("p", "reason", isolated(record.reason)));
  item.append(...textOf(record), where(record));
  return item;
}

function showMore() {
  const first = list.children.length;
  const next = found.slice(first, first + PAGE);
  list.append(...next.map(shown));
  more.hidden = list.children.length >= found.length;
}

function update() {
  terms = field.search.value.toLowerCase().split(/\s+/).filter(Boolean);
  found = records.filter(matches);
  list.replaceChildren();
  showMore();
  document.getElementById("count").textContent =
    found.length.toLocaleString("en") + " of " + records.length.toLocaleString("en") + " records";
}

// The filters stand in the address, so that a view can be kept or opened again.
function remember() {
  const chosen = new URLSearchParams();
  for (const name of names) if (field[name].value) chosen.set(name, field[name].value);
  history.replaceState(null, "", "#" + chosen);
}

function recall() {
  const chosen = new URLSearchParams(location.hash.slice(1));
  for (const name of names) field[name].value = chosen.get(name) || "";
  update();
}

const filters = document.getElementById("filters");
filters.addEventListener("input", () => { update(); remember(); });
filters.addEventListener("submit", (event) => event.preventDefault());
filters.addEventListener("reset", () => setTimeout(() => { update(); remember(); }));
more.addEventListener("click", showMore);
window.addEventListener("hashchange", recall);
recall();
