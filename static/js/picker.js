// Many from a list: details.pick with tick boxes. [data-pick-find] narrows the list as one types,
// [data-pick-said] in the summary names what is ticked. Without JavaScript the list is just long.
const doc = document;
const all = (selector, within) => Array.from(within.querySelectorAll(selector));
const plain = (text) => text.normalize("NFKC").toLowerCase();

function narrow(input) {
  const wanted = plain(input.value).split(/\s+/).filter(Boolean);
  all("label.check", input.closest(".pick")).forEach((label) => {
    const text = plain(label.textContent);
    label.hidden = !wanted.every((word) => text.includes(word));
  });
}

function say(pick) {
  const place = pick.querySelector("[data-pick-said]");
  if (!place) return;
  const ticked = all("input:checked", pick).map((box) => box.closest("label").textContent.trim());
  place.textContent = ticked.length ? ticked.join(place.dataset.join || ", ") : place.dataset.none;
  place.classList.toggle("ink-3", !ticked.length);
}

function meet() {
  all("[data-pick-find][hidden]", doc).forEach((input) => { input.hidden = false; });
}

doc.addEventListener("input", (event) => {
  if (event.target.matches("[data-pick-find]")) narrow(event.target);
});
doc.addEventListener("change", (event) => {
  if (event.target.matches("[data-pick-find]")) event.stopPropagation();
  else if (event.target.closest(".pick")) say(event.target.closest(".pick"));
}, true);
doc.addEventListener("keydown", (event) => {
  const pick = event.target.closest && event.target.closest("details.pick[open]");
  if (!pick) return;
  if (event.key === "Escape") {
    pick.open = false;
    pick.querySelector("summary").focus();
    event.stopPropagation();
  } else if (event.key === "Enter" && event.target.matches("[data-pick-find]")) event.preventDefault();
});
doc.addEventListener("toggle", (event) => {
  const pick = event.target;
  const find = pick.matches && pick.matches("details.pick[open]") && pick.querySelector("[data-pick-find]");
  if (find) find.focus();
}, true);
doc.addEventListener("click", (event) => {
  all("details.pick[open]", doc).forEach((pick) => { if (!pick.contains(event.target)) pick.open = false; });
});
doc.addEventListener("htmx:afterSettle", meet);
meet();
