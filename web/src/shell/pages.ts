/** The pages there are, in the order of the navigation, with the key that goes there after `g`. */
import type { Messages } from "./messages.en";

export interface PageEntry {
  id: keyof Messages["pages"];
  path: string;
  key: string;
  group: keyof Messages["groups"];
}

export const PAGES: readonly PageEntry[] = [
  { id: "overview", path: "/", key: "o", group: "watch" },
  { id: "runs", path: "/runs", key: "r", group: "watch" },
  { id: "jobs", path: "/jobs", key: "j", group: "watch" },
  { id: "failures", path: "/failures", key: "f", group: "watch" },
  { id: "heatmap", path: "/heatmap", key: "h", group: "watch" },
  { id: "queues", path: "/queues", key: "q", group: "watch" },
  { id: "scheduler", path: "/scheduler-monitoring", key: "d", group: "watch" },
  { id: "workers", path: "/workers", key: "w", group: "machine" },
  { id: "settings", path: "/settings", key: "s", group: "trust" },
];
/** How many the tab bar of a phone holds; the others lie under "more". */
export const TABS = 4;
