// Reply templates: [data-insert] puts a variable where the cursor was in its form; a search field
// with [data-narrow] narrows a list; a filled template ([data-reply-text]) goes into the text that
// its data-into names, and its subject beside it; what was there before can be put back.
const doc = document;
const plain = (text) => text.normalize("NFKC").toLowerCase();
const WRITES = "textarea, input[type=text]:not([readonly]), input:not([type])";
let last = null;

doc.addEventListener("focusin", (event) => {
  if (event.target.matches(WRITES)) last = event.target;
});

function tell(field) {
  field.dispatchEvent(new Event("input", { bubbles: true }));
  field.dispatchEvent(new Event("change", { bubbles: true }));
}

function put(field, text) {
  const from = field.selectionStart ?? field.value.length;
  field.setRangeText(text, from, field.selectionEnd ?? from, "end");
  field.focus();
  tell(field);
}

doc.addEventListener("click", (event) => {
  const button = event.target.closest("[data-insert]");
  if (!button) return;
  const form = doc.querySelector(button.dataset.insertForm);
  const field = last && form && form.contains(last) ? last : form && form.querySelector("textarea");
  if (field) put(field, button.dataset.insert);
});

doc.addEventListener("input", (event) => {
  const list = event.target.dataset && event.target.dataset.narrow && doc.querySelector(event.target.dataset.narrow);
  if (!list) return;
  const wanted = plain(event.target.value).split(/\s+/).filter(Boolean);
  list.querySelectorAll("[data-row]").forEach((row) => {
    row.hidden = !wanted.every((word) => plain(row.textContent).includes(word));
  });
  list.querySelectorAll("[data-narrow-group]").forEach((group) => {
    group.hidden = !group.querySelector("[data-row]:not([hidden])");
  });
});

/* a text that nobody has touched since it was filled in is replaced, any other is added to */
const filled = new WeakMap();

function fill(field, text) {
  const before = filled.get(field);
  if (!field.value.trim() || field.value === before) field.value = text;
  else put(field, text);
  filled.set(field, field.value);
  tell(field);
}

/* a line is never added to: the one a person typed stays */
function retitle(field, text) {
  if (field.value.trim() && field.value !== filled.get(field)) return;
  field.value = text;
  filled.set(field, text);
  tell(field);
}

function take(source) {
  const field = doc.querySelector(source.dataset.into);
  if (!field) return;
  const subject = source.dataset.subjectInto && doc.querySelector(source.dataset.subjectInto);
  fill(field, source.value);
  if (subject && source.dataset.subject) retitle(subject, source.dataset.subject);
  source.remove();
  const gap = field.value.indexOf("[[");
  field.focus();
  if (gap >= 0) field.setSelectionRange(gap, field.value.indexOf("]]", gap) + 2);
  const menu = doc.activeElement.closest("form")?.querySelector("details[data-reply-menu]");
  if (menu) menu.open = false;
}

doc.addEventListener("htmx:afterSwap", () => {
  doc.querySelectorAll("[data-reply-text]").forEach(take);
});
