import { useQuery } from "@tanstack/react-query";
import { Link, useParams, useSearch } from "@tanstack/react-router";
import type { Fact as RecordedFact, Task, TaskRun } from "../../api/answers";
import { ProblemError } from "../../api/client";
import { task as askTask } from "../../api/questions";
import { useText } from "../../i18n";
import { sides } from "../../range/window";
import { Answer, Empty } from "../../ui/Answer";
import { Badge, RunBadge } from "../../ui/Badge";
import { Copy } from "../../ui/Copy";
import { Fact, Facts } from "../../ui/Facts";
import { NONE } from "../../ui/format";
import { toJob, toPage, toRuns } from "../../ui/links";
import { Name } from "../../ui/Name";
import { Page, Panel } from "../../ui/Panel";
import { CardLine, type Column, Table } from "../../ui/Table";
import { Time } from "../../ui/Time";
import ui from "../../ui/ui.module.css";
import { useFormat } from "../../ui/useFormat";
import { en } from "./messages.en";
import { zh } from "./messages.zh";
import styles from "./run.module.css";
import { parts } from "./traceback";
import { Waterfall } from "./Waterfall";

const AROUND_MS = 30 * 60_000;

export function RunPage() {
  const words = useText({ en, zh });
  const { task } = useParams({ from: "/runs/$task" });
  const { service } = useSearch({ from: "/runs/$task" });
  const query = useQuery(askTask(task, service));
  const unknown = query.error instanceof ProblemError && query.error.status === 404;
  return (
    <Page>
      <p className={styles.crumbs}>
        <Link {...toPage("/runs")}>{words.runs}</Link> /
      </p>
      {unknown ? (
        <>
          <h1>
            <Name chars={60}>{task}</Name>
          </h1>
          <Empty action={<Link {...toPage("/runs")}>{words.runs}</Link>}>{words.notFound}</Empty>
        </>
      ) : (
        <Answer query={query} height={600}>
          {(found) => <Found task={found} />}
        </Answer>
      )}
    </Page>
  );
}

function Found({ task }: { task: Task }) {
  const words = useText({ en, zh });
  const last = task.runs.at(-1);
  const failed = task.runs.filter((run) => run.error !== null);
  return (
    <>
      <header className={styles.head}>
        <h1>
          <Name chars={60}>{task.task}</Name>
        </h1>
        {last ? <RunBadge run={last} /> : <Badge of={task.state} />}
        <p className={ui.verdict} data-testid="verdict">
          {words.attempt(String(last?.attempt ?? 1), String(task.attempts))}. {task.why && words.rules[task.why.rule]}
        </p>
        <div className={ui.pageActions}>
          <Copy text={() => location.href}>{words.copyLink}</Copy>
        </div>
      </header>
      <section className={ui.panel}>
        <FactRow task={task} last={last} />
      </section>
      {failed
        .slice()
        .reverse()
        .map((run) => (
          <ErrorPanel key={`${run.attempt}-${run.run}`} run={run} />
        ))}
      <Panel title={words.timeline} note={words.timelineNote}>
        <Waterfall task={task} />
      </Panel>
      <Records task={task} />
    </>
  );
}

function FactRow({ task, last }: { task: Task; last: TaskRun | undefined }) {
  const words = useText({ en, zh });
  const format = useFormat();
  return (
    <>
      <Facts>
        <Fact label={words.job}>
          {task.job === null ? NONE : <Name to={toJob(task.job, task.service)}>{task.job}</Name>}
        </Fact>
        <Fact label={words.queue}>
          {last?.queue ? <Name to={toRuns({ queue: [last.queue] })}>{last.queue}</Name> : NONE}
        </Fact>
        <Fact label={words.worker}>{last?.worker ? <Name to={around(last)}>{last.worker}</Name> : NONE}</Fact>
        <Fact label={words.service}>
          <Name>{task.service}</Name>
        </Fact>
        <Fact label={words.submitted}>
          <Time at={task.first_at} />
        </Fact>
        <Fact label={words.wait}>{format.duration(last?.wait_ms)}</Fact>
        <Fact label={words.duration}>{format.duration(last?.duration_ms)}</Fact>
        {last && last.outputs > 0 && <Fact label={words.outputs}>{format.count(last.outputs)}</Fact>}
        {last?.progress != null && last.outcome === null && (
          <Fact label={words.progress}>{format.rate(last.progress)}</Fact>
        )}
      </Facts>
      {last?.skewed && <p className={ui.muted}>{words.skewed}</p>}
    </>
  );
}

/** What the same worker ran around that time. */
function around(run: TaskRun) {
  const at = Date.parse(run.started_at ?? run.alive_at);
  return toRuns({ worker: [run.worker ?? ""], ...sides(at - AROUND_MS, at + AROUND_MS) } as Record<
    string,
    string | string[]
  >);
}

function ErrorPanel({ run }: { run: TaskRun }) {
  const words = useText({ en, zh });
  const title = [run.error?.type, run.error?.message].filter(Boolean).join(": ");
  return (
    <section className={ui.panel} aria-label={words.error} data-testid="error">
      <div className={ui.panelHead}>
        <h2>{words.errorOf(String(run.attempt))}</h2>
        <div className={ui.chips}>
          {run.fingerprint && (
            <Link {...toRuns({ fingerprint: [run.fingerprint] })} className={ui.button}>
              {words.failuresLike}
            </Link>
          )}
          <Copy text={() => run.traceback ?? title}>{words.copyError}</Copy>
        </div>
      </div>
      <p className={`${ui.bad} ${ui.name}`} translate="no" data-name="">
        {title}
      </p>
      {run.traceback ? <Traceback text={run.traceback} /> : <p className={ui.muted}>{words.noTraceback}</p>}
    </section>
  );
}

/** Own frames stand open, those of libraries fold away. */
function Traceback({ text }: { text: string }) {
  const words = useText({ en, zh });
  return (
    <div
      className={`${ui.code} ${styles.trace}`}
      tabIndex={0}
      role="region"
      aria-label={words.error}
      data-testid="traceback"
    >
      {parts(text).map((part, index) =>
        part.own ? (
          <pre key={index} translate="no" data-name="">
            {part.text}
          </pre>
        ) : (
          <details key={index}>
            <summary>{words.frames(part.frames)}</summary>
            <pre translate="no" data-name="">
              {part.text}
            </pre>
          </details>
        ),
      )}
    </div>
  );
}

function Records({ task }: { task: Task }) {
  const words = useText({ en, zh });
  const format = useFormat();
  const columns: Column<RecordedFact>[] = [
    { key: "time", head: words.time, cell: (fact) => <Time at={fact.time} age={false} /> },
    { key: "type", head: words.type, cell: (fact) => <Name mono>{fact.type}</Name> },
    { key: "worker", head: words.worker, cell: (fact) => <Name chars={20}>{fact.worker}</Name> },
    {
      key: "received",
      head: words.received,
      cell: (fact) => (
        <>
          <Time at={fact.received_at} age={false} />
          <span className={ui.muted}> {fact.delay_ms > 1000 && words.after(format.duration(fact.delay_ms))}</span>
        </>
      ),
    },
    { key: "source", head: words.source, cell: (fact) => words.sources[fact.source] },
    { key: "data", head: words.details, wide: true, cell: (fact) => <Data fact={fact} /> },
  ];
  return (
    <Panel title={words.facts} note={words.factsNote(format.count(task.facts.length), format.count(task.facts_total))}>
      <Table
        caption={words.facts}
        rows={task.facts}
        id={(fact) => `${fact.id}-${fact.time}`}
        columns={columns}
        card={(fact) => (
          <>
            <CardLine>
              <Name mono>{fact.type}</Name>
              <Time at={fact.time} age={false} />
            </CardLine>
            <Data fact={fact} />
          </>
        )}
      />
    </Panel>
  );
}

function Data({ fact }: { fact: RecordedFact }) {
  const words = useText({ en, zh });
  if (Object.keys(fact.data).length === 0) return null;
  return (
    <details>
      <summary>{words.details}</summary>
      <pre className={styles.data} translate="no" data-name="">
        {JSON.stringify(fact.data, null, 2)}
      </pre>
    </details>
  );
}
