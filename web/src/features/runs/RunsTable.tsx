/** Runs as a table or as cards; pages about one job or one worker leave out what is the same in every row. */
import type { Run } from "../../api/answers";
import { useText } from "../../i18n";
import { RunBadge } from "../../ui/Badge";
import { NONE } from "../../ui/format";
import { toJob, toTask } from "../../ui/links";
import { Name } from "../../ui/Name";
import { CardLine, type Column, Table } from "../../ui/Table";
import { Time } from "../../ui/Time";
import ui from "../../ui/ui.module.css";
import { useFormat } from "../../ui/useFormat";
import { en } from "./messages.en";
import { zh } from "./messages.zh";

interface Props {
  runs: readonly Run[];
  caption: string;
  without?: readonly string[];
}

export const runId = (run: Run) => JSON.stringify([run.service, run.task, run.attempt, run.run]);

/** The newest thing that is known of when it was. */
const when = (run: Run) => run.started_at ?? run.finished_at ?? run.submitted_at;

export function RunsTable({ runs, caption, without = [] }: Props) {
  const words = useText({ en, zh });
  const format = useFormat();
  const columns: Column<Run>[] = [
    { key: "outcome", head: words.outcomeColumn, cell: (run) => <RunBadge run={run} /> },
    { key: "task", head: words.task, cell: (run) => <TaskName run={run} /> },
    {
      key: "job",
      head: words.jobColumn,
      cell: (run) => <JobName run={run} chars={20} />,
    },
    { key: "queue", head: words.queueColumn, drop: 3, cell: (run) => <Name chars={18}>{run.queue}</Name> },
    { key: "worker", head: words.workerColumn, drop: 1, cell: (run) => <Name chars={14}>{run.worker}</Name> },
    { key: "started", head: words.started, cell: (run) => <Time at={when(run)} age={false} /> },
    { key: "wait", head: words.wait, align: "end", cell: (run) => format.duration(run.wait_ms) },
    { key: "duration", head: words.duration, align: "end", cell: (run) => format.duration(run.duration_ms) },
    { key: "error", head: words.error, wide: true, cell: (run) => <ErrorLine run={run} /> },
  ];
  return (
    <Table
      caption={caption}
      rows={runs}
      id={runId}
      columns={columns.filter((column) => !without.includes(column.key))}
      card={(run) => (
        <>
          <CardLine>
            <RunBadge run={run} />
            <TaskName run={run} chars={20} />
            <Time at={when(run)} age={false} />
          </CardLine>
          <CardLine>
            {!without.includes("job") && <JobName run={run} chars={22} />}
            <span className={ui.muted}>{run.wait_ms !== null && words.waited(format.duration(run.wait_ms))}</span>
            <span>{run.duration_ms === null ? NONE : words.ran(format.duration(run.duration_ms))}</span>
          </CardLine>
          {run.error && (
            <CardLine>
              <ErrorLine run={run} />
            </CardLine>
          )}
        </>
      )}
    />
  );
}

function TaskName({ run, chars = 22 }: { run: Run; chars?: number }) {
  const words = useText({ en, zh });
  return (
    <>
      <Name chars={chars} to={toTask(run.task, run.service)}>
        {run.task}
      </Name>
      {run.attempt > 1 && <span className={ui.muted}> {words.attempt(String(run.attempt))}</span>}
    </>
  );
}

function JobName({ run, chars }: { run: Run; chars: number }) {
  return (
    <Name chars={chars} {...(run.job !== null && { to: toJob(run.job, run.service) })}>
      {run.job}
    </Name>
  );
}

function ErrorLine({ run }: { run: Run }) {
  if (!run.error) return null;
  const text = [run.error.type, run.error.message].filter(Boolean).join(": ");
  return (
    <span className={ui.soft}>
      <Name chars={64}>{text}</Name>
    </span>
  );
}
