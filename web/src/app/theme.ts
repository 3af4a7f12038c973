/** Dark, light, or as the system says. `early-theme.js` does the same before the first paint. */

import { effect, signal } from "@preact/signals";

export type Theme = "system" | "dark" | "light";

const KEY = "tb.theme";
const dark = matchMedia("(prefers-color-scheme: dark)");
const systemIsDark = signal(dark.matches);
dark.addEventListener("change", (event) => {
  systemIsDark.value = event.matches;
});

function stored(): Theme {
  try {
    const wish = localStorage.getItem(KEY);
    return wish === "dark" || wish === "light" ? wish : "system";
  } catch {
    return "system";
  }
}

export const theme = signal<Theme>(stored());

export function isDark(): boolean {
  return theme.value === "system" ? systemIsDark.value : theme.value === "dark";
}

export function setTheme(wish: Theme): void {
  theme.value = wish;
  try {
    if (wish === "system") localStorage.removeItem(KEY);
    else localStorage.setItem(KEY, wish);
  } catch {
    // The choice lasts as long as the page then.
  }
}

effect(() => {
  document.documentElement.dataset.theme = isDark() ? "dark" : "light";
});
