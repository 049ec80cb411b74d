/** The pages there are, in the order of the navigation, with the key that goes there after `g`. */
import type { Messages } from "./messages.en";

export interface PageEntry {
  id: keyof Messages["pages"];
  path: string;
  key: string;
  glyph: string;
  group: keyof Messages["groups"];
}

export const PAGES: readonly PageEntry[] = [
  { id: "overview", path: "/", key: "o", glyph: "◱", group: "watch" },
  { id: "runs", path: "/runs", key: "r", glyph: "≡", group: "watch" },
  { id: "jobs", path: "/jobs", key: "j", glyph: "▣", group: "watch" },
  { id: "failures", path: "/failures", key: "f", glyph: "✕", group: "watch" },
  { id: "heatmap", path: "/heatmap", key: "h", glyph: "▦", group: "watch" },
  { id: "queues", path: "/queues", key: "q", glyph: "⫶", group: "watch" },
  { id: "scheduler", path: "/scheduler-monitoring", key: "d", glyph: "◷", group: "watch" },
  { id: "workers", path: "/workers", key: "w", glyph: "▤", group: "machine" },
];
/** How many the tab bar of a phone holds; the others lie under "more". */
export const TABS = 4;
