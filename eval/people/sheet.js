"use strict";
const form = document.getElementById("sheet");
const state = document.getElementById("state");

const quoted = (value) => `"${String(value).replaceAll('"', '""')}"`;

function missing() {
  let first = null;
  for (const field of form.querySelectorAll("fieldset")) {
    const answered = field.querySelector("input:checked") !== null;
    field.classList.toggle("missing", !answered);
    if (!answered && first === null) first = field;
  }
  return first;
}

function csv() {
  const rater = form.elements.rater.value.trim();
  const lines = ["number,answer,rater"];
  for (const input of form.querySelectorAll("fieldset input:checked")) {
    lines.push([input.name.slice(1), input.value, quoted(rater)].join(","));
  }
  return lines.join("\r\n") + "\r\n";
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const first = missing();
  if (first !== null && state.dataset.asked !== "yes") {
    state.dataset.asked = "yes";
    state.textContent = "Some questions have no answer yet. Press again to save without them.";
    first.scrollIntoView({ block: "center" });
    return;
  }
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([csv()], { type: "text/csv" }));
  link.download = `ratings-${form.elements.rater.value.trim().replace(/[^\p{L}\p{N}]+/gu, "-")}.csv`;
  link.click();
  URL.revokeObjectURL(link.href);
  state.textContent = "Saved. Please send the file back to whoever asked you.";
});
