// Runs before the first paint. Keep in step with theme.ts: the same key, the same attribute.
(() => {
  let wish = null;
  try {
    wish = localStorage.getItem("tb.theme");
  } catch {
    // Storage can be switched off; the system's theme is a fine answer.
  }
  const isDark = wish ? wish === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  document.documentElement.dataset.theme = isDark ? "dark" : "light";
})();
