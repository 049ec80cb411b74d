/** One row per worker: who is there now, joined with how busy it was. Pure, so that it is tested without a page. */
import type { Utilization, Worker } from "../../api/answers";
import type { StripCell } from "../../ui/charts/Strip";

export type Standing = "active" | "idle" | "gone";

export interface Row {
  service: string;
  name: string;
  standing: Standing;
  now: Worker | null;
  utilization: number;
  idleMs: number | null;
  cells: StripCell[];
}

export const SORTS = ["name", "idle", "busy", "gone"] as const;
export type Sort = (typeof SORTS)[number];

/** Join both answers; those that were neither there nor busy in the range are left out. */
export function rows(workers: readonly Worker[], used: Utilization): Row[] {
  const known = new Map(workers.map((worker) => [key(worker), worker]));
  const last = Date.parse(used.to);
  const joined = used.workers.map((one) => {
    const now = known.get(key(one)) ?? null;
    known.delete(key(one));
    return {
      service: one.service,
      name: one.worker,
      standing: standing(now),
      now,
      utilization: one.utilization,
      idleMs: one.idle_ms,
      cells: one.buckets.map((busyMs, index) => cell(busyMs, one.present[index] ?? false, length(used, index, last))),
    };
  });
  const others = [...known.values()].filter((worker) => worker.present);
  return [
    ...joined,
    ...others.map((now) => ({
      service: now.service,
      name: now.worker,
      standing: standing(now),
      now,
      utilization: 0,
      idleMs: null,
      cells: used.buckets.map(() => "absent" as const),
    })),
  ];
}

/** The last bucket may be cut by the end of the range. */
function length(used: Utilization, index: number, last: number): number {
  const start = Date.parse(used.buckets[index]?.start ?? used.from);
  return Math.max(1, Math.min(used.step_ms, last - start));
}

function cell(busyMs: number, present: boolean, lengthMs: number): StripCell {
  return busyMs > 0 ? busyMs / lengthMs : present ? 0 : "absent";
}

function standing(worker: Worker | null): Standing {
  if (!worker?.present) return "gone";
  return worker.running > 0 ? "active" : "idle";
}

const key = (one: { service: string; worker: string }) => JSON.stringify([one.service, one.worker]);

const ORDER: Record<Standing, number> = { gone: 0, idle: 1, active: 2 };

export function sorted(found: readonly Row[], sort: Sort): Row[] {
  const byName = (a: Row, b: Row) =>
    a.name.localeCompare(b.name, "en", { numeric: true }) || a.service.localeCompare(b.service);
  const orders: Record<Sort, (a: Row, b: Row) => number> = {
    name: byName,
    idle: (a, b) => (b.idleMs ?? 0) - (a.idleMs ?? 0) || byName(a, b),
    busy: (a, b) => b.utilization - a.utilization || byName(a, b),
    gone: (a, b) => ORDER[a.standing] - ORDER[b.standing] || byName(a, b),
  };
  return found.toSorted(orders[sort]);
}
