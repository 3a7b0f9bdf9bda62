// Runs before the first paint. src/lib/theme.ts keeps the same rules once the application is up.
(() => {
  let choice = "system";
  try {
    choice = localStorage.getItem("crontopus.theme") || "system";
  } catch {
    // Storage can be forbidden by the browser; the system's theme is a good answer then.
  }
  const dark =
    choice === "dark" || (choice !== "light" && matchMedia("(prefers-color-scheme: dark)").matches);
  document.documentElement.dataset.theme = dark ? "dark" : "light";
})();
