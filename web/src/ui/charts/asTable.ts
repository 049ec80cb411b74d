/** Whether charts are shown as tables, for all charts of the page. */
import { useSyncExternalStore } from "react";

let tables = false;
const listeners = new Set<() => void>();

export function toggleTables(): void {
  tables = !tables;
  for (const listener of listeners) listener();
}

export function useTables(): boolean {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => tables,
  );
}
