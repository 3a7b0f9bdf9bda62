import { useSyncExternalStore } from "react";

/** public/theme.js applies the same rules before the first paint. */
export const THEMES = ["light", "dark", "system"] as const;
export type Theme = (typeof THEMES)[number];

const KEY = "crontopus.theme";
const listeners = new Set<() => void>();
const media = () => matchMedia("(prefers-color-scheme: dark)");

let current: Theme = read();

function read(): Theme {
  try {
    const stored = localStorage.getItem(KEY);
    return THEMES.find((theme) => theme === stored) ?? "system";
  } catch {
    return "system"; // storage forbidden by the browser
  }
}

function apply(): void {
  const dark = current === "dark" || (current === "system" && media().matches);
  document.documentElement.dataset.theme = dark ? "dark" : "light";
}

export function setTheme(theme: Theme): void {
  current = theme;
  try {
    localStorage.setItem(KEY, theme);
  } catch {
    // Storage forbidden: the choice holds for this page only.
  }
  apply();
  for (const listener of listeners) listener();
}

/** Follows the system while the choice is "system". Called once. */
export function watchSystemTheme(): void {
  media().addEventListener("change", apply);
}

export function useTheme(): Theme {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => current,
  );
}
