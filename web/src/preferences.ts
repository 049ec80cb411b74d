/** What a reader chose for this browser: language, theme, zone, pace. Kept in local storage, told to whoever listens. */
import { useSyncExternalStore } from "react";

export type Language = "en" | "zh";
export type Theme = "system" | "light" | "dark";
export type Zone = "local" | "utc" | "server";

export interface Preferences {
  language: Language;
  theme: Theme;
  zone: Zone;
  /** Seconds between two looks while no stream is there; 0: only by hand. */
  refreshS: number;
  keys: boolean;
  compact: boolean;
}

const KEY = "taskscope.preferences";
const listeners = new Set<() => void>();

function defaults(): Preferences {
  const language: Language = navigator.language.toLowerCase().startsWith("zh") ? "zh" : "en";
  return { language, theme: "system", zone: "local", refreshS: 30, keys: true, compact: true };
}

function stored(): Preferences {
  try {
    return { ...defaults(), ...JSON.parse(localStorage.getItem(KEY) ?? "{}") };
  } catch {
    return defaults(); // storage may be forbidden, or hold what an older version wrote
  }
}

let current = stored();

export function preferences(): Preferences {
  return current;
}

export function prefer(change: Partial<Preferences>): void {
  current = { ...current, ...change };
  try {
    localStorage.setItem(KEY, JSON.stringify(current));
  } catch {
    // then it holds until the page is left
  }
  apply();
  for (const listener of listeners) listener();
}

/** Tell the document, which the style sheets listen to. */
export function apply(): void {
  const root = document.documentElement;
  root.lang = current.language === "zh" ? "zh-CN" : "en";
  if (current.theme === "system") delete root.dataset.theme;
  else root.dataset.theme = current.theme;
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function usePreferences(): Preferences {
  return useSyncExternalStore(subscribe, preferences);
}
