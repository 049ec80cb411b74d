import { expect, test } from "vitest";
import type { HeatRow, SchedulerMetric, Utilization, Worker } from "../api/answers";
import { gathered } from "./heatmap/columns";
import { matching, notifying, totals } from "./scheduler/totals";
import { inside } from "./signin/inside";
import { rows, sorted } from "./workers/rows";

const metric = (given: Partial<SchedulerMetric>) =>
  ({
    job_id: "j",
    job_name: "J",
    owner: null,
    category: null,
    success_count: 0,
    failure_count: 0,
    total_runs: 0,
    sample_count: 0,
    avg_duration_ms: null,
    ...given,
  }) as SchedulerMetric;

test("the average weighs runs, not jobs", () => {
  const all = totals([
    metric({ success_count: 9, total_runs: 9, sample_count: 9, avg_duration_ms: 100 }),
    metric({ success_count: 0, failure_count: 1, total_runs: 1, sample_count: 1, avg_duration_ms: 1100 }),
    metric({}),
  ]);
  expect(all).toEqual({ jobs: 3, succeeded: 9, failed: 1, runs: 10, successRate: 0.9, averageMs: 200, failingJobs: 1 });
  expect(totals([])).toMatchObject({ successRate: null, averageMs: null });
});

test("the notification chain is its job, or its category in either language", () => {
  const found = notifying([
    metric({ job_id: "send_alert_notifications" }),
    metric({ category: "Notification" }),
    metric({ category: "通知" }),
    metric({}),
  ]);
  expect(found).toHaveLength(3);
});

test("jobs are found by id, name and owner, within a category", () => {
  const all = [
    metric({ job_id: "calc", job_name: "计算", owner: "Platform", category: "A" }),
    metric({ job_id: "x", category: null }),
  ];
  expect(matching(all, "PLAT", undefined)).toHaveLength(1);
  expect(matching(all, "计", "A")).toHaveLength(1);
  expect(matching(all, "", "")).toEqual([all[1]]);
});

test("a worker's strip: busy, idle, absent, and more than full", () => {
  const used = {
    from: "2026-01-08T08:00:00Z",
    to: "2026-01-08T08:02:30Z",
    step_ms: 60_000,
    buckets: ["08:00", "08:01", "08:02"].map((start) => ({ start: `2026-01-08T${start}:00Z` })),
    workers: [
      {
        service: "s",
        worker: "w",
        busy_ms: 0,
        idle_ms: 1,
        utilization: 0.5,
        buckets: [90_000, 0, 15_000],
        present: [true, true, true],
      },
    ],
  } as unknown as Utilization;
  const [row] = rows([{ service: "s", worker: "w", present: true, running: 1 } as Worker], used);
  expect(row?.cells).toEqual([1.5, 0, 0.5]);
  expect(row?.standing).toBe("active");
});

test("idle first is by idle time, then by name as people count", () => {
  const of = (name: string, idleMs: number) => ({
    service: "s",
    name,
    idleMs,
    standing: "idle" as const,
    now: null,
    utilization: 0,
    cells: [],
  });
  expect(sorted([of("w10", 5), of("w9", 5), of("w1", 9)], "idle").map((row) => row.name)).toEqual(["w1", "w9", "w10"]);
});

test("hours are put together without losing one", () => {
  const cells = Array.from({ length: 50 }, (_, index) => ({ runs: index, failures: 1, failure_rate: 0, level: null }));
  const hours = cells.map((_, index) => new Date(index * 3_600_000).toISOString());
  const columns = gathered({ cells } as unknown as HeatRow, hours, 24);
  expect(columns.length).toBeLessThanOrEqual(24);
  expect(columns.flatMap((column) => column.cells)).toEqual(cells);
});

test.each([
  ["/runs?x=1", "/runs?x=1"],
  ["//evil.example", "/"],
  ["/\\evil.example", "/"],
  ["https://evil.example", "/"],
  ["javascript:alert(1)", "/"],
  ["/sign-in?next=/", "/"],
  [undefined, "/"],
])("after signing in, %s leads to %s", (next, to) => {
  expect(inside(next)).toBe(to);
});
