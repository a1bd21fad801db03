// ARIA combobox over options that htmx fetches:
//   <input role="combobox" aria-controls="hits" aria-expanded="false" aria-autocomplete="list"
//          hx-get="..." hx-trigger="input changed delay:250ms" hx-target="#hits" data-value-field="#id">
//   <ul role="listbox" id="hits"><li role="option" id="hit-1" data-value="17" data-label="...">..</li></ul>
// Enter takes the marked option, or the first; choosing fills the hidden field and fires "chosen".
const doc = document;
const options = (input) => {
  const list = doc.getElementById(input.getAttribute("aria-controls"));
  return list ? Array.from(list.querySelectorAll("[role=option]")) : [];
};
const marked = (input) => doc.getElementById(input.getAttribute("aria-activedescendant") || "");

function expand(input, on) {
  const list = doc.getElementById(input.getAttribute("aria-controls"));
  input.setAttribute("aria-expanded", String(on));
  if (list) list.hidden = !on;
  if (!on) mark(input, null);
}

function mark(input, option) {
  options(input).forEach((each) => each.setAttribute("aria-selected", String(each === option)));
  if (option) {
    input.setAttribute("aria-activedescendant", option.id);
    option.scrollIntoView({ block: "nearest" });
  } else input.removeAttribute("aria-activedescendant");
}

function step(input, by) {
  const list = options(input);
  if (!list.length) return;
  if (input.getAttribute("aria-expanded") !== "true") expand(input, true);
  const from = list.indexOf(marked(input));
  const next = from < 0 ? (by > 0 ? 0 : list.length - 1) : (from + by + list.length) % list.length;
  mark(input, list[next]);
}

function choose(input, option) {
  const field = input.dataset.valueField && doc.querySelector(input.dataset.valueField);
  input.value = option.dataset.label || option.textContent.trim();
  if (field) {
    field.value = option.dataset.value;
    field.dispatchEvent(new Event("change", { bubbles: true }));
  }
  expand(input, false);
  input.dispatchEvent(new CustomEvent("chosen", { bubbles: true, detail: { value: option.dataset.value } }));
}

doc.addEventListener("keydown", (event) => {
  const input = event.target.closest("[role=combobox]");
  if (!input || event.isComposing || event.ctrlKey || event.metaKey) return;
  const open = input.getAttribute("aria-expanded") === "true";
  const taken = marked(input) || options(input)[0];
  if (event.key === "ArrowDown") step(input, 1);
  else if (event.key === "ArrowUp") step(input, -1);
  else if (event.key === "Escape" && open) expand(input, false);
  else if (event.key === "Enter" && open && taken) choose(input, taken);
  else return;
  event.preventDefault();
  event.stopPropagation();
});
doc.addEventListener("click", (event) => {
  const option = event.target.closest("[role=option]");
  const list = option && option.closest("[role=listbox]");
  const input = list && doc.querySelector(`[role=combobox][aria-controls="${CSS.escape(list.id)}"]`);
  if (input) { choose(input, option); input.focus(); }
});
doc.addEventListener("input", (event) => {
  const input = event.target.closest("[role=combobox]");
  const field = input && input.dataset.valueField && doc.querySelector(input.dataset.valueField);
  if (field) field.value = "";
});
doc.addEventListener("htmx:afterSettle", (event) => {
  doc.querySelectorAll("[role=combobox]").forEach((input) => {
    if (event.detail.target && event.detail.target.id === input.getAttribute("aria-controls")) {
      expand(input, options(input).length > 0);
    }
  });
});
doc.addEventListener("focusout", (event) => {
  const input = event.target.closest("[role=combobox]");
  if (input) setTimeout(() => { if (doc.activeElement !== input) expand(input, false); }, 150);
});
