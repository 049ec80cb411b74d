import { useQuery } from "@tanstack/react-query";
import { Link, useParams, useSearch } from "@tanstack/react-router";
import type { Figures as Counts, JobDetail } from "../../api/answers";
import { ProblemError } from "../../api/client";
import { job as askJob } from "../../api/questions";
import { useText } from "../../i18n";
import { useNow } from "../../live/now";
import { useLength } from "../../range/useLength";
import { useRange } from "../../range/useRange";
import type { Window } from "../../range/window";
import { Answer, Empty } from "../../ui/Answer";
import { Lines } from "../../ui/charts/Lines";
import { Outcomes } from "../../ui/charts/Outcomes";
import { compareCounts, compareRates } from "../../ui/compare";
import { Fact, Facts } from "../../ui/Facts";
import { Figure } from "../../ui/Figure";
import { NONE } from "../../ui/format";
import { toPage, toRuns } from "../../ui/links";
import { Name } from "../../ui/Name";
import { Figures, Page, PageHead, Panel, Two } from "../../ui/Panel";
import { Time } from "../../ui/Time";
import { useWords } from "../../ui/text";
import ui from "../../ui/ui.module.css";
import { useFormat } from "../../ui/useFormat";
import { RunsTable } from "../runs/RunsTable";
import { Comparison } from "./Comparison";
import { en } from "./messages.en";
import { zh } from "./messages.zh";

export function JobPage() {
  const words = useText({ en, zh });
  const { job } = useParams({ from: "/jobs/$job" });
  const { service, queue } = useSearch({ from: "/jobs/$job" });
  const window = useRange();
  const query = useQuery(askJob(job, window, { service, queue }));
  const unknown = query.error instanceof ProblemError && query.error.status === 404;
  return (
    <Page>
      <p className={ui.muted}>
        <Link {...toPage("/jobs")}>{words.jobs}</Link> /
      </p>
      {unknown ? (
        <>
          <h1>
            <Name chars={60}>{job}</Name>
          </h1>
          <Empty action={<Link {...toPage("/jobs")}>{words.jobs}</Link>}>{words.notFound}</Empty>
        </>
      ) : (
        <Answer query={query} height={800}>
          {(found) => <Found job={found} window={window} service={service} />}
        </Answer>
      )}
    </Page>
  );
}

const finished = (counts: Counts) => counts.succeeded + counts.failures + counts.cancelled;

function Found({ job, window, service }: { job: JobDetail; window: Window; service: string[] | undefined }) {
  const words = useText({ en, zh });
  const shared = useWords();
  const format = useFormat();
  const of = { job: [job.job], ...(service && { service }) };
  const { buckets, step_ms } = job.history;
  const spread = (key: "p50" | "p95" | "p99") => buckets.map((bucket) => bucket.duration_ms[key]);
  return (
    <>
      <PageHead title={<Name chars={60}>{job.job}</Name>} verdict={<Verdict counts={job.figures} />} />
      <section className={ui.panel}>
        <About job={job} />
      </section>
      <Cards job={job} window={window} of={of} />
      <Outcomes title={words.outcomes(format.length(step_ms))} buckets={buckets} stepMs={step_ms} filters={of} />
      <Lines
        title={words.runTime}
        note={words.estimated}
        from={Date.parse(job.history.from)}
        stepMs={step_ms}
        kind="duration"
        series={[
          { name: "p50", weight: "thin", values: spread("p50") },
          { name: "p95", weight: "bold", values: spread("p95") },
          { name: "p99", weight: "dotted", values: spread("p99") },
        ]}
        limit={limitOf(job, words.limitLine)}
      />
      <Two>
        <Comparison job={job} />
        <Panel title={words.sample(format.count(job.sample.count))} note={words.sampleNote}>
          <dl className={ui.facts}>
            {(["p50", "p95", "p99", "avg", "min", "max"] as const).map((key) => (
              <div key={key}>
                <dt translate="no">{key}</dt>
                <dd data-testid={`sample-${key}`}>{format.duration(job.sample[key])}</dd>
              </div>
            ))}
            {job.sample.count < 30 && (
              <div>
                <dt>{words.count}</dt>
                <dd>{shared.samples(String(job.sample.count))}</dd>
              </div>
            )}
          </dl>
        </Panel>
      </Two>
      <Panel
        title={words.newest}
        actions={
          <>
            <Link {...toPage("/failures", of)}>{words.byFailure}</Link>
            <Link {...toRuns(of)}>{words.all}</Link>
          </>
        }
      >
        <RunsTable runs={job.newest} caption={words.newest} without={["job"]} />
      </Panel>
    </>
  );
}

/** The limit is drawn where it does not squeeze the lines to the ground. */
function limitOf(job: JobDetail, name: string) {
  const longest = Math.max(0, ...job.history.buckets.map((bucket) => bucket.duration_ms.p99 ?? 0));
  return job.timeout_ms != null && job.timeout_ms <= 3 * longest ? { value: job.timeout_ms, name } : undefined;
}

function Verdict({ counts }: { counts: Counts }) {
  const words = useText({ en, zh });
  const format = useFormat();
  const rated = counts.succeeded + counts.failures;
  if (rated === 0) return words.none;
  if (counts.failures === 0) return words.well(format.count(rated));
  return words.verdict(format.rate(counts.success_rate), format.count(counts.failures), format.count(rated));
}

function About({ job }: { job: JobDetail }) {
  const words = useText({ en, zh });
  const format = useFormat();
  return (
    <>
      <Facts>
        <Fact label={words.name}>
          <Name>{job.job_name}</Name>
        </Fact>
        <Fact label={words.owner}>
          <Name>{job.owner}</Name>
        </Fact>
        <Fact label={words.category}>
          {job.category ? <Name to={toPage("/jobs", { category: [job.category] })}>{job.category}</Name> : NONE}
        </Fact>
        <Fact label={words.schedule}>
          <Name mono>{job.schedule}</Name>
        </Fact>
        <Fact label={words.limit}>{format.duration(job.timeout_ms)}</Fact>
        <Fact label={words.next}>
          <Time at={job.next_run} />
        </Fact>
        <Fact label={words.services}>
          <Name>{job.services.join(", ")}</Name>
        </Fact>
      </Facts>
      {job.description && (
        <p className={`${ui.soft} ${ui.name}`} translate="no" data-name="">
          {job.description}
        </p>
      )}
    </>
  );
}

function Cards({ job, window, of }: { job: JobDetail; window: Window; of: Record<string, string[]> }) {
  const words = useText({ en, zh });
  const shared = useWords();
  const format = useFormat();
  const length = useLength(window);
  useNow();
  const then = job.comparison.figures;
  const runs = compareCounts(finished(job.figures), finished(then), length, 0, format, shared);
  const rate = compareRates(job.figures.success_rate, then.success_rate, length, format, shared);
  const failures = compareCounts(job.figures.failures, then.failures, length, 1, format, shared);
  const spread = job.figures.duration_ms;
  return (
    <Figures>
      <Figure
        id="runs"
        label={words.runs}
        value={format.count(finished(job.figures))}
        note={runs.text}
        to={toRuns(of)}
      />
      <Figure
        id="success-rate"
        label={words.success}
        value={format.rate(job.figures.success_rate)}
        note={rate.text}
        tone={rate.tone}
      />
      <Figure
        id="failures"
        label={words.failures}
        value={format.count(job.figures.failures)}
        note={failures.text}
        tone={failures.tone}
        to={toPage("/failures", of)}
      />
      <Figure
        id="p95"
        label={words.p95}
        value={format.duration(spread.p95)}
        note={words.average(format.duration(spread.avg))}
      />
      <Figure
        id="active"
        label={words.active}
        value={`${format.count(job.running)} · ${format.count(job.pending)}`}
        to={toRuns({ ...of, state: ["PROCESSING", "PENDING"] })}
      />
    </Figures>
  );
}
