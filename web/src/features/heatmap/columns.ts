/** Hours as columns. Pure, so that it is tested without a page. */
import type { HeatCell, HeatRow } from "../../api/answers";

const HOUR_MS = 3_600_000;

export interface Column {
  from: number;
  to: number;
  cells: HeatCell[];
}

/** Put hours together until they fit, the newest last; each keeps its cells. */
export function gathered(row: HeatRow, hours: readonly string[], most: number): Column[] {
  const size = Math.max(1, Math.ceil(hours.length / most));
  const found: Column[] = [];
  for (let low = 0; low < hours.length; low += size) {
    const from = Date.parse(hours[low] ?? "");
    found.push({ from, to: from + size * HOUR_MS, cells: row.cells.slice(low, low + size) });
  }
  return found;
}

export const runs = (column: Column) => column.cells.reduce((sum, cell) => sum + cell.runs, 0);
export const failures = (column: Column) => column.cells.reduce((sum, cell) => sum + cell.failures, 0);
