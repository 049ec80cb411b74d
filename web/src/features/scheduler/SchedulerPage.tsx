/** The dashboard of schedulers: cards, state, notification chain, runs by job, failures by category and hour. */
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import type { SchedulerMetric, SchedulerStatus } from "../../api/answers";
import { schedulerMetrics, schedulerStatus } from "../../api/questions";
import { useText } from "../../i18n";
import { refresh } from "../../live/refresh";
import { prefer, usePreferences } from "../../preferences";
import { Answer } from "../../ui/Answer";
import { Badge } from "../../ui/Badge";
import { Figure } from "../../ui/Figure";
import { toJob } from "../../ui/links";
import { Name } from "../../ui/Name";
import { Figures, Page, PageHead, Panel, Two } from "../../ui/Panel";
import { Time } from "../../ui/Time";
import ui from "../../ui/ui.module.css";
import { useFormat } from "../../ui/useFormat";
import { FailureHeat } from "./FailureHeat";
import { JobMetrics } from "./JobMetrics";
import { en } from "./messages.en";
import { zh } from "./messages.zh";
import { notifying, totals } from "./totals";

const EXPORT = "/api/v1/scheduler/metrics/prometheus";

export function SchedulerPage() {
  const words = useText({ en, zh });
  const format = useFormat();
  const status = useQuery(schedulerStatus);
  const metrics = useQuery(schedulerMetrics);
  const { tab } = useSearch({ from: "/scheduler-monitoring" });
  const navigate = useNavigate();
  const show = (next: string | undefined) =>
    navigate({ to: ".", search: (old: object) => ({ ...old, tab: next }) } as never);
  const tabs = [
    { id: undefined, label: words.table },
    { id: "heatmap", label: words.heat },
  ];
  return (
    <Page>
      <PageHead
        title={words.title}
        verdict={
          status.data &&
          (status.data.running
            ? words.verdictRunning(format.count(status.data.jobs))
            : words.verdictStopped(format.count(status.data.jobs)))
        }
        actions={<Actions />}
      />
      <Answer query={metrics} height={112}>
        {(answer) => <Cards metrics={answer.metrics} />}
      </Answer>
      <Two>
        <Answer query={status} height={120}>
          {(answer) => <State status={answer} />}
        </Answer>
        <Answer query={metrics} height={120}>
          {(answer) => <Chain metrics={notifying(answer.metrics)} />}
        </Answer>
      </Two>
      <div className={ui.tabs} role="tablist" aria-label={words.title}>
        {tabs.map((one) => (
          <button key={one.label} type="button" role="tab" aria-selected={tab === one.id} onClick={() => show(one.id)}>
            {one.label}
          </button>
        ))}
      </div>
      {tab === "heatmap" ? (
        <FailureHeat />
      ) : (
        <Answer query={metrics} height={480}>
          {(answer) => <JobMetrics metrics={answer.metrics} />}
        </Answer>
      )}
    </Page>
  );
}

function Actions() {
  const words = useText({ en, zh });
  const client = useQueryClient();
  const { refreshS } = usePreferences();
  return (
    <>
      <button type="button" className={ui.button} onClick={() => refresh(client)}>
        {words.refresh}
      </button>
      <select
        className={ui.field}
        aria-label={words.every}
        value={String(refreshS)}
        onChange={(event) => prefer({ refreshS: Number(event.target.value) })}
      >
        {Object.entries(words.choices).map(([seconds, label]) => (
          <option key={seconds} value={seconds}>
            {label}
          </option>
        ))}
      </select>
      <a className={ui.button} href={EXPORT} download="scheduler_metrics.prom">
        {words.prometheus}
      </a>
    </>
  );
}

function Cards({ metrics }: { metrics: readonly SchedulerMetric[] }) {
  const words = useText({ en, zh });
  const format = useFormat();
  const all = totals(metrics);
  return (
    <Figures>
      <Figure
        id="jobs"
        label={words.totalJobs}
        value={format.count(all.jobs)}
        note={words.totalNote(format.count(all.runs))}
      />
      <Figure
        id="success-rate"
        label={words.success}
        value={format.rate(all.successRate)}
        note={words.successNote(format.count(all.succeeded), format.count(all.runs))}
      />
      <Figure id="average" label={words.average} value={format.duration(all.averageMs)} note={words.averageNote} />
      <Figure
        id="failed"
        label={words.failed}
        value={format.count(all.failed)}
        note={words.failedNote(format.count(all.failingJobs))}
        tone={all.failed > 0 ? "bad" : "plain"}
      />
    </Figures>
  );
}

function State({ status }: { status: SchedulerStatus }) {
  const words = useText({ en, zh });
  const format = useFormat();
  return (
    <Panel title={words.state} note={`${words.registered}: ${format.count(status.jobs)}`}>
      {status.schedulers.length === 0 ? (
        <p className={ui.muted}>{words.noScheduler}</p>
      ) : (
        <dl className={ui.facts}>
          {status.schedulers.map((one) => (
            <div key={`${one.service}/${one.name}`}>
              <dt>
                <Name>{one.name}</Name>
              </dt>
              <dd>
                <span className={one.running ? ui.ok : ui.bad}>
                  <span aria-hidden="true">{one.running ? "●" : "○"}</span>{" "}
                  {one.running ? words.running : words.stopped}
                </span>{" "}
                <span className={ui.muted}>
                  {words.lastSeen} <Time at={one.last_seen} />
                </span>
              </dd>
            </div>
          ))}
        </dl>
      )}
    </Panel>
  );
}

function Chain({ metrics }: { metrics: readonly SchedulerMetric[] }) {
  const words = useText({ en, zh });
  const format = useFormat();
  return (
    <Panel title={words.chain} note={words.chainNote}>
      {metrics.length === 0 ? (
        <p className={ui.muted}>{words.noChain}</p>
      ) : (
        metrics.map((metric) => (
          <dl key={metric.job_id} className={ui.facts} data-testid="chain">
            <div>
              <dt>
                <Name to={toJob(metric.job_id, "default")}>{metric.job_id}</Name>
              </dt>
              <dd>{metric.last_status ? <Badge of={metric.last_status} /> : words.never}</dd>
            </div>
            {(
              [
                [words.ok, format.count(metric.success_count)],
                [words.bad, format.count(metric.failure_count)],
                [words.averageColumn, format.duration(metric.avg_duration_ms)],
                [words.p95, format.duration(metric.p95_duration_ms)],
              ] as const
            ).map(([label, value]) => (
              <div key={label}>
                <dt>{label}</dt>
                <dd>{value}</dd>
              </div>
            ))}
            <div>
              <dt>{words.last}</dt>
              <dd>
                <Time at={metric.last_timestamp} />
              </dd>
            </div>
          </dl>
        ))
      )}
    </Panel>
  );
}
