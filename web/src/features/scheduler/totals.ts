/** What the cards say, from the metrics of all jobs. Pure, so that it is tested without a page. */
import type { SchedulerMetric } from "../../api/answers";

export interface Totals {
  jobs: number;
  succeeded: number;
  failed: number;
  runs: number;
  successRate: number | null;
  averageMs: number | null;
  failingJobs: number;
}

export function totals(metrics: readonly SchedulerMetric[]): Totals {
  const sum = (of: (metric: SchedulerMetric) => number) => metrics.reduce((total, metric) => total + of(metric), 0);
  const runs = sum((metric) => metric.total_runs);
  const succeeded = sum((metric) => metric.success_count);
  // A job weighs as much as it has samples: the average over runs, not over jobs.
  const samples = sum((metric) => metric.sample_count);
  const time = sum((metric) => (metric.avg_duration_ms ?? 0) * metric.sample_count);
  return {
    jobs: metrics.length,
    succeeded,
    failed: sum((metric) => metric.failure_count),
    runs,
    successRate: runs > 0 ? succeeded / runs : null,
    averageMs: samples > 0 ? time / samples : null,
    failingJobs: metrics.filter((metric) => metric.failure_count > 0).length,
  };
}

/** The jobs that tell people: by their id, or by their category. */
export function notifying(metrics: readonly SchedulerMetric[]): SchedulerMetric[] {
  return metrics.filter(
    (metric) =>
      metric.job_id === "send_alert_notifications" ||
      metric.category?.toLowerCase() === "notification" ||
      metric.category === "通知",
  );
}

export function matching(
  metrics: readonly SchedulerMetric[],
  text: string,
  category: string | undefined,
): SchedulerMetric[] {
  const wanted = text.toLowerCase();
  return metrics.filter(
    (metric) =>
      (category === undefined || (metric.category ?? "") === category) &&
      [metric.job_id, metric.job_name, metric.owner].some((part) => part?.toLowerCase().includes(wanted)),
  );
}
