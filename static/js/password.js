// button[data-show-password="#field"] shows what is typed; it stays hidden without this script.
document.querySelectorAll("[data-show-password]").forEach((button) => {
  const field = document.querySelector(button.dataset.showPassword);
  button.addEventListener("click", () => {
    field.type = field.type === "password" ? "text" : "password";
    button.setAttribute("aria-pressed", String(field.type === "text"));
    field.focus();
  });
  button.hidden = false;
});
