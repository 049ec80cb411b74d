import { Link } from "@tanstack/react-router";
import type { Heatmap } from "../../api/answers";
import { useText } from "../../i18n";
import { toJob, toRuns } from "../../ui/links";
import { Name } from "../../ui/Name";
import { Panel } from "../../ui/Panel";
import { CardLine, type Column, Table } from "../../ui/Table";
import ui from "../../ui/ui.module.css";
import { useFormat } from "../../ui/useFormat";
import { en } from "./messages.en";
import { zh } from "./messages.zh";

type Failing = Heatmap["categories"][number]["jobs"][number];

/** The failing jobs of each category, worst first. */
export function FailingJobs({ answer }: { answer: Heatmap }) {
  const words = useText({ en, zh });
  const format = useFormat();
  const columns: Column<Failing>[] = [
    { key: "job", head: words.job, cell: (job) => <JobName job={job} /> },
    { key: "owner", head: words.owner, cell: (job) => <Name chars={24}>{job.owner}</Name> },
    { key: "failures", head: words.failures, align: "end", cell: (job) => <Failures job={job} /> },
    { key: "runs", head: words.runs, align: "end", cell: (job) => format.count(job.runs) },
    { key: "rate", head: words.rate, align: "end", cell: (job) => format.rate(job.failure_rate) },
  ];
  return answer.categories
    .filter((row) => row.jobs.length > 0)
    .map((row) => (
      <Panel
        key={row.category}
        title={row.category ?? words.without}
        note={
          row.jobs_total > row.jobs.length
            ? words.worse(String(row.jobs.length), String(row.jobs_total))
            : words.failingJobs
        }
      >
        <Table
          caption={`${words.failingJobs} · ${row.category ?? words.without}`}
          rows={row.jobs}
          id={(job) => JSON.stringify([job.service, job.job])}
          columns={columns}
          card={(job) => (
            <CardLine>
              <JobName job={job} />
              <Failures job={job} />
            </CardLine>
          )}
        />
      </Panel>
    ));
}

function JobName({ job }: { job: Failing }) {
  return (
    <Name chars={36} {...(job.job !== null && { to: toJob(job.job, job.service) })}>
      {job.job}
    </Name>
  );
}

function Failures({ job }: { job: Failing }) {
  const format = useFormat();
  const failed = ["failed", "timed_out", "lost"];
  if (job.job === null) return <>{format.count(job.failures)}</>;
  return (
    <Link className={ui.bad} {...toRuns({ job: [job.job], service: [job.service], outcome: failed })}>
      {format.count(job.failures)}
    </Link>
  );
}
