// Data shown in clear is hidden again: [data-hide-after="60"] holds [data-secret], which is emptied
// after so many seconds and when the page goes out of sight for good; [data-hidden-words] is shown.
const doc = document;

function hide(box) {
  const secret = box.querySelector("[data-secret]");
  if (!secret) return;
  secret.remove();
  const words = box.querySelector("[data-hidden-words]");
  const hiding = box.querySelector("[data-hiding]");
  if (hiding) hiding.remove();
  if (words) { words.hidden = false; words.setAttribute("role", "status"); }
}

function watch() {
  doc.querySelectorAll("[data-hide-after]:not([data-watched])").forEach((box) => {
    box.dataset.watched = "1";
    setTimeout(() => hide(box), Number(box.dataset.hideAfter) * 1000);
  });
}

watch();
doc.addEventListener("htmx:afterSettle", watch);
window.addEventListener("pagehide", () => doc.querySelectorAll("[data-hide-after]").forEach(hide));
