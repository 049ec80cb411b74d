import { useNavigate, useSearch } from "@tanstack/react-router";
import type { SchedulerMetric } from "../../api/answers";
import { useText } from "../../i18n";
import { Empty } from "../../ui/Answer";
import { Badge } from "../../ui/Badge";
import { toJob } from "../../ui/links";
import { SuccessBar } from "../../ui/Meter";
import { Name } from "../../ui/Name";
import { CardLine, type Column, type Sorting, Table } from "../../ui/Table";
import { Time } from "../../ui/Time";
import ui from "../../ui/ui.module.css";
import { useFormat } from "../../ui/useFormat";
import { en } from "./messages.en";
import { zh } from "./messages.zh";
import { matching } from "./totals";

const VALUES: Record<string, (metric: SchedulerMetric) => number | string> = {
  job: (metric) => metric.job_id,
  runs: (metric) => metric.total_runs,
  failures: (metric) => metric.failure_count,
  success: (metric) => metric.success_rate ?? 2,
  average: (metric) => metric.avg_duration_ms ?? -1,
  p95: (metric) => metric.p95_duration_ms ?? -1,
  last: (metric) => metric.last_timestamp ?? "",
};

/** The run table: every job with how its runs went, found by id, name, owner and category. */
export function JobMetrics({ metrics }: { metrics: readonly SchedulerMetric[] }) {
  const words = useText({ en, zh });
  const { q = "", category, sort = "job" } = useSearch({ from: "/scheduler-monitoring" });
  const navigate = useNavigate();
  const change = (values: object, replace: boolean) =>
    navigate({ to: ".", search: (old: object) => ({ ...old, ...values }), replace } as never);
  const categories = [...new Set(metrics.map((metric) => metric.category ?? ""))].toSorted();
  const descending = sort.startsWith("-");
  const by = sort.replace(/^-/, "");
  const value = VALUES[by] ?? VALUES.job ?? (() => "");
  const found = matching(metrics, q, category === undefined ? undefined : category === "-" ? "" : category).toSorted(
    (a, b) => {
      const order = value(a) < value(b) ? -1 : value(a) > value(b) ? 1 : a.job_id.localeCompare(b.job_id);
      return descending ? -order : order;
    },
  );
  const sorting: Sorting = {
    by,
    descending,
    keys: Object.keys(VALUES),
    choose: (key) => change({ sort: key === by && !descending ? `-${key}` : key }, false),
  };
  return (
    <section className={ui.panel} aria-label={words.table}>
      <search className={ui.chips}>
        <input
          className={ui.field}
          type="search"
          aria-label={words.search}
          placeholder={words.search}
          value={q}
          onChange={(event) => change({ q: event.target.value || undefined }, true)}
        />
        <select
          className={ui.field}
          aria-label={words.category}
          value={category ?? ""}
          onChange={(event) => change({ category: event.target.value || undefined }, false)}
        >
          <option value="">{words.all}</option>
          {categories.map((one) => (
            <option key={one} value={one === "" ? "-" : one} data-name={one === "" ? undefined : ""}>
              {one === "" ? words.without : one}
            </option>
          ))}
        </select>
      </search>
      {found.length === 0 ? <Empty>{words.noMatch}</Empty> : <MetricsTable metrics={found} sorting={sorting} />}
    </section>
  );
}

function MetricsTable({ metrics, sorting }: { metrics: readonly SchedulerMetric[]; sorting: Sorting }) {
  const words = useText({ en, zh });
  const format = useFormat();
  const columns: Column<SchedulerMetric>[] = [
    { key: "job", head: words.job, cell: (metric) => <JobName metric={metric} /> },
    { key: "owner", head: words.owner, cell: (metric) => <Name chars={22}>{metric.owner}</Name> },
    { key: "category", head: words.category, drop: 1, cell: (metric) => <Name chars={18}>{metric.category}</Name> },
    {
      key: "success",
      head: words.success,
      cell: (metric) => <SuccessBar rate={metric.success_rate} label={words.success} />,
    },
    { key: "runs", head: words.runs, align: "end", cell: (metric) => format.count(metric.total_runs) },
    { key: "failures", head: words.failures, align: "end", cell: (metric) => format.count(metric.failure_count) },
    {
      key: "average",
      head: words.averageColumn,
      drop: 2,
      align: "end",
      cell: (metric) => format.duration(metric.avg_duration_ms),
    },
    { key: "p95", head: words.p95, align: "end", cell: (metric) => format.duration(metric.p95_duration_ms) },
    { key: "last", head: words.status, cell: (metric) => <Last metric={metric} /> },
  ];
  return (
    <Table
      caption={words.table}
      rows={metrics}
      id={(metric) => metric.job_id}
      columns={columns}
      sorting={sorting}
      card={(metric) => (
        <>
          <CardLine>
            <JobName metric={metric} />
            <Last metric={metric} />
          </CardLine>
          <CardLine>
            <SuccessBar rate={metric.success_rate} label={words.success} />
            <span className={ui.muted}>
              {words.p95} {format.duration(metric.p95_duration_ms)}
            </span>
          </CardLine>
        </>
      )}
    />
  );
}

function JobName({ metric }: { metric: SchedulerMetric }) {
  return (
    <>
      <Name chars={26} to={toJob(metric.job_id, "default")}>
        {metric.job_id}
      </Name>
      {metric.job_name !== metric.job_id && (
        <div className={ui.panelNote}>
          <Name chars={32}>{metric.job_name}</Name>
        </div>
      )}
    </>
  );
}

function Last({ metric }: { metric: SchedulerMetric }) {
  const words = useText({ en, zh });
  if (metric.last_status === null) return <span className={ui.muted}>{words.never}</span>;
  return (
    <>
      <Badge of={metric.last_status} />{" "}
      <span className={ui.muted}>
        <Time at={metric.last_timestamp} age={false} />
      </span>
    </>
  );
}
