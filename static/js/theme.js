// First visit: follow the system before anything is painted; afterwards the server knows the cookie.
document.documentElement.setAttribute(
  "data-bs-theme",
  window.matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light",
);
