import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import type { Job } from "../../api/answers";
import { jobs as askJobs, jobNames } from "../../api/questions";
import { useText } from "../../i18n";
import { useRange } from "../../range/useRange";
import { Answer, Empty } from "../../ui/Answer";
import { Badge } from "../../ui/Badge";
import { SparkBars } from "../../ui/charts/Spark";
import { toJob, toRuns } from "../../ui/links";
import { SuccessBar } from "../../ui/Meter";
import { Name } from "../../ui/Name";
import { Page, PageHead } from "../../ui/Panel";
import { Recent } from "../../ui/Recent";
import { CardLine, type Column, Table } from "../../ui/Table";
import { Time } from "../../ui/Time";
import { useWords } from "../../ui/text";
import ui from "../../ui/ui.module.css";
import { useFormat } from "../../ui/useFormat";
import { en } from "./messages.en";
import { zh } from "./messages.zh";

const HEALTHY = 0.95;

export function JobsPage() {
  const words = useText({ en, zh });
  const shared = useWords();
  const format = useFormat();
  const window = useRange();
  const search = useSearch({ from: "/jobs" });
  const navigate = useNavigate();
  const filters = { text: search.q, category: search.category, owner: search.owner, service: search.service };
  const query = useInfiniteQuery(askJobs(window, filters));
  const found = query.data?.pages.flatMap((page) => page.items) ?? [];
  const total = query.data?.pages[0]?.total ?? 0;
  const failing = found.filter((job) => job.figures.success_rate !== null && job.figures.success_rate < HEALTHY).length;
  const filtered = Object.values(filters).some(Boolean);
  const clear = { q: undefined, category: undefined, owner: undefined, service: undefined };
  return (
    <Page>
      <PageHead
        title={words.title}
        verdict={
          query.data &&
          (failing > 0
            ? words.verdictFailing(format.count(total), format.count(failing))
            : words.verdict(format.count(total)))
        }
      />
      <Filters />
      <section className={ui.panel} aria-label={words.title}>
        <Answer query={query} height={560}>
          {() =>
            found.length === 0 ? (
              <Empty
                action={
                  filtered && (
                    <button
                      type="button"
                      className={ui.button}
                      onClick={() => navigate({ to: ".", search: (old: object) => ({ ...old, ...clear }) } as never)}
                    >
                      {shared.clearFilters}
                    </button>
                  )
                }
              >
                {filtered ? shared.nothingMatches : words.none}
              </Empty>
            ) : (
              <>
                <JobTable jobs={found} />
                <p className={ui.empty}>
                  {query.hasNextPage && (
                    <button
                      type="button"
                      className={ui.button}
                      disabled={query.isFetchingNextPage}
                      onClick={() => query.fetchNextPage()}
                    >
                      {shared.more}
                    </button>
                  )}{" "}
                  <span className={ui.muted}>{words.shown(format.count(found.length), format.count(total))}</span>
                </p>
              </>
            )
          }
        </Answer>
      </section>
    </Page>
  );
}

function Filters() {
  const words = useText({ en, zh });
  const window = useRange();
  const search = useSearch({ from: "/jobs" });
  const navigate = useNavigate();
  const known = useQuery(jobNames(window)).data?.items ?? [];
  const named = (of: (job: Job) => string | null | undefined) =>
    [...new Set(known.map(of))].filter((name) => name != null).toSorted();
  const change = (values: object, replace: boolean) =>
    navigate({ to: ".", search: (old: object) => ({ ...old, ...values }), replace } as never);
  return (
    <search className={ui.chips} data-testid="filters">
      <input
        className={ui.field}
        style={{ flex: "1 1 200px", maxWidth: 360 }}
        type="search"
        aria-label={words.search}
        placeholder={words.search}
        value={search.q ?? ""}
        onChange={(event) => change({ q: event.target.value || undefined }, true)}
      />
      <Choice
        label={words.category}
        any={words.any}
        values={named((job) => job.category)}
        chosen={search.category}
        onChange={(category) => change({ category }, false)}
      />
      <Choice
        label={words.owner}
        any={words.any}
        values={named((job) => job.owner)}
        chosen={search.owner}
        onChange={(owner) => change({ owner }, false)}
      />
    </search>
  );
}

interface ChoiceProps {
  label: string;
  any: string;
  values: readonly string[];
  chosen: string[] | undefined;
  onChange: (chosen: string[] | undefined) => void;
}

function Choice({ label, any, values, chosen, onChange }: ChoiceProps) {
  return (
    <select
      className={ui.field}
      style={{ maxWidth: 220 }}
      aria-label={label}
      value={chosen?.[0] ?? ""}
      onChange={(event) => onChange(event.target.value === "" ? undefined : [event.target.value])}
    >
      <option value="">
        {label}: {any}
      </option>
      {values.map((value) => (
        <option key={value} value={value} data-name="">
          {value}
        </option>
      ))}
    </select>
  );
}

function JobTable({ jobs }: { jobs: readonly Job[] }) {
  const words = useText({ en, zh });
  const format = useFormat();
  const columns: Column<Job>[] = [
    { key: "job", head: words.job, cell: (job) => <JobName job={job} /> },
    {
      key: "success",
      head: words.success,
      cell: (job) => <SuccessBar rate={job.figures.success_rate} label={words.success} />,
    },
    { key: "recent", head: words.recent, drop: 1, cell: (job) => <RecentRuns job={job} /> },
    { key: "runs", head: words.runs, align: "end", cell: (job) => <RunCount job={job} /> },
    {
      key: "average",
      head: words.average,
      drop: 2,
      align: "end",
      cell: (job) => format.duration(job.figures.duration_ms.avg),
    },
    { key: "p95", head: words.p95, align: "end", cell: (job) => format.duration(job.figures.duration_ms.p95) },
    { key: "trend", head: words.trend, cell: (job) => <Trend job={job} /> },
    { key: "last", head: words.last, cell: (job) => <Last job={job} /> },
    {
      key: "next",
      head: words.next,
      drop: 3,
      cell: (job) => (job.next_run ? <Time at={job.next_run} age={false} /> : <span className={ui.muted}>—</span>),
    },
  ];
  return (
    <Table
      caption={words.title}
      rows={jobs}
      id={(job) => JSON.stringify([job.service, job.job])}
      columns={columns}
      card={(job) => (
        <>
          <CardLine>
            <JobName job={job} />
            <Last job={job} />
          </CardLine>
          <CardLine>
            <SuccessBar rate={job.figures.success_rate} label={words.success} />
            <span className={ui.muted}>
              {words.p95} {format.duration(job.figures.duration_ms.p95)}
            </span>
          </CardLine>
        </>
      )}
    />
  );
}

function JobName({ job }: { job: Job }) {
  const words = useText({ en, zh });
  const states = [
    !job.enabled && words.disabled,
    job.paused && words.paused,
    !job.registered && words.unregistered,
  ].filter(Boolean);
  return (
    <>
      <Name chars={26} to={toJob(job.job, job.service)}>
        {job.job}
      </Name>
      <div className={ui.panelNote}>
        {job.job_name && <Name chars={24}>{job.job_name}</Name>}
        {job.job_name && job.owner && " · "}
        {job.owner && <Name chars={20}>{job.owner}</Name>}
        {states.length > 0 && ` ${states.join(" · ")}`}
      </div>
    </>
  );
}

function RunCount({ job }: { job: Job }) {
  const format = useFormat();
  const { succeeded, failures, cancelled } = job.figures;
  return (
    <Link {...toRuns({ job: [job.job], service: [job.service] })}>
      {format.count(succeeded + failures + cancelled)}
    </Link>
  );
}

function RecentRuns({ job }: { job: Job }) {
  const words = useText({ en, zh });
  const ok = job.recent.filter((run) => run.outcome === "succeeded").length;
  return job.recent.length === 0 ? (
    <span className={ui.muted}>{words.never}</span>
  ) : (
    <Recent runs={job.recent} label={words.newest(String(ok), String(job.recent.length))} />
  );
}

function Trend({ job }: { job: Job }) {
  const words = useText({ en, zh });
  const format = useFormat();
  const sum = job.trend.reduce((total, count) => total + count, 0);
  return <SparkBars values={job.trend} bad={job.failing} label={words.trendLabel(format.exact(sum))} />;
}

function Last({ job }: { job: Job }) {
  return job.last_run ? (
    <>
      <Badge of={job.last_run.outcome} /> <Time at={job.last_run.finished_at} age={false} />
    </>
  ) : null;
}
