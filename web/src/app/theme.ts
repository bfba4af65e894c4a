/** Light or dark: as the device says, or as somebody chose on it. */

import { useSyncExternalStore } from "react";

export type Theme = "system" | "light" | "dark";

const KEPT = "caretwin.theme";
const listeners = new Set<() => void>();
let theme: Theme = "system";

const dark = () => theme === "dark" || (theme === "system" && matchMedia("(prefers-color-scheme: dark)").matches);

function apply(): void {
  document.documentElement.dataset["theme"] = dark() ? "dark" : "light";
  for (const listener of listeners) listener();
}

export function startTheme(): void {
  const kept = localStorage.getItem(KEPT);
  theme = kept === "light" || kept === "dark" ? kept : "system";
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", apply);
  apply();
}

export function chooseTheme(chosen: Theme): void {
  theme = chosen;
  localStorage.setItem(KEPT, chosen);
  apply();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export const useTheme = (): Theme => useSyncExternalStore(subscribe, () => theme);

/** "light" or "dark": what is drawn now. Charts are drawn anew when it changes. */
export const useShade = (): "light" | "dark" => useSyncExternalStore(subscribe, () => (dark() ? "dark" : "light"));
