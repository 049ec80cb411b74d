import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { useSearch } from "@tanstack/react-router";
import type { Overall } from "../../api/answers";
import {
  queues as askQueues,
  workers as askWorkers,
  type Filters,
  failures,
  history,
  jobNames,
} from "../../api/questions";
import { useText } from "../../i18n";
import { useLength } from "../../range/useLength";
import { useRange } from "../../range/useRange";
import { before, type Window } from "../../range/window";
import { Answer } from "../../ui/Answer";
import { Outcomes } from "../../ui/charts/Outcomes";
import { compareCounts, compareRates } from "../../ui/compare";
import { Figure } from "../../ui/Figure";
import { NONE } from "../../ui/format";
import { toPage, toRuns } from "../../ui/links";
import { Figures, Page, PageHead, Two } from "../../ui/Panel";
import { useWords } from "../../ui/text";
import { useFormat } from "../../ui/useFormat";
import { Attention, troubles } from "./Attention";
import { FirstFact } from "./FirstFact";
import { en } from "./messages.en";
import { zh } from "./messages.zh";
import { TopFailures } from "./TopFailures";

const TOP = 6;
const MINUTE_MS = 60_000;
const few = (count: number) => count < 30;

export function OverviewPage() {
  const words = useText({ en, zh });
  const format = useFormat();
  const window = useRange();
  const length = useLength(window);
  const { job, queue, service } = useSearch({ from: "/" });
  const filters: Filters = { job, queue, service };
  const now = useQuery(history(window, filters));
  const then = useQuery(history(before(window), filters));
  const jobs = useQuery(jobNames(window));
  const failing = useInfiniteQuery(failures(window, filters, TOP));
  const workers = useQuery(askWorkers(window));
  const queues = useQuery(askQueues(window));
  const trouble = troubles(jobs.data?.items ?? [], workers.data?.items ?? [], queues.data?.items ?? [], window);

  return (
    <Page>
      <PageHead title={words.title} verdict={now.data && jobs.data && <Verdict now={now.data} trouble={trouble} />} />
      <FirstFact show={jobs.data?.total === 0} />
      <Answer query={now} height={112}>
        {(answer) => (
          <Cards
            now={answer}
            then={then.data}
            window={window}
            length={length}
            workers={workers.data?.items}
            queues={queues.data?.items}
          />
        )}
      </Answer>
      <Answer query={now} height={264}>
        {(answer) => (
          <Outcomes
            title={words.outcomes(format.length(answer.history.step_ms))}
            buckets={answer.history.buckets}
            stepMs={answer.history.step_ms}
            previous={then.data?.history.buckets}
            filters={filters as Record<string, string[] | undefined>}
          />
        )}
      </Answer>
      <Two>
        <Attention trouble={trouble} />
        <TopFailures query={failing} />
      </Two>
    </Page>
  );
}

function Verdict({ now, trouble }: { now: Overall; trouble: ReturnType<typeof troubles> }) {
  const words = useText({ en, zh });
  const format = useFormat();
  const finished = now.figures.succeeded + now.figures.failures + now.figures.cancelled;
  if (trouble.jobs.length + trouble.workers.length + trouble.queues.length > 0) {
    return words.trouble(trouble.jobs.length, trouble.workers.length, trouble.queues.length);
  }
  return finished === 0 ? words.quiet : words.well(format.count(finished));
}

interface CardsProps {
  now: Overall;
  then: Overall | undefined;
  window: Window;
  length: string;
  workers: { present: boolean; running: number; concurrency: number | null; gone_since: string | null }[] | undefined;
  queues: { depth: number; oldest_waiting_ms: number | null; stuck: number }[] | undefined;
}

function Cards({ now, then, window, length, workers, queues }: CardsProps) {
  const words = useText({ en, zh });
  const shared = useWords();
  const format = useFormat();
  const finished = total(now);
  const minutes = (Math.min(window.to, Date.now()) - window.from) / MINUTE_MS;
  const runs = compareCounts(finished, then ? total(then) : 0, length, 0, format, shared);
  const rate = compareRates(now.figures.success_rate, then?.figures.success_rate ?? null, length, format, shared);
  const spread = now.figures.duration_ms;
  const rated = finished - now.figures.cancelled;
  return (
    <Figures>
      <Figure
        id="runs-per-minute"
        label={words.runsPerMinute}
        value={finished === 0 ? "0" : format.decimal(finished / minutes)}
        title={format.exact(finished)}
        note={runs.text}
        tone={runs.tone}
        to={toRuns({})}
      />
      <Figure
        id="success-rate"
        label={words.success}
        value={format.rate(now.figures.success_rate)}
        note={few(rated) && rated > 0 ? `${rate.text} · ${shared.samples(String(rated))}` : rate.text}
        tone={rate.tone}
        to={toRuns({ outcome: ["failed", "timed_out", "lost"] })}
      />
      <Figure
        id="active"
        label={words.active}
        value={format.count(now.running)}
        note={slots(workers) ? words.ofSlots(format.count(slots(workers))) : words.activeNote}
        to={toRuns({ state: ["PROCESSING"] })}
      />
      <Waiting pending={now.pending} queues={queues} />
      <Figure
        id="p95"
        label={words.p95}
        value={format.duration(spread.p95)}
        note={`${words.average(format.duration(spread.avg))}${spread.method === "exact" ? "" : ` · ${shared.within}`}`}
        to={toPage("/jobs")}
      />
      <Figure
        id="workers"
        label={words.workers}
        value={crew(workers, window)}
        note={words.workersNote}
        to={toPage("/workers")}
      />
    </Figures>
  );
}

function Waiting({ pending, queues }: { pending: number; queues: CardsProps["queues"] }) {
  const words = useText({ en, zh });
  const format = useFormat();
  const oldest = Math.max(-1, ...(queues ?? []).map((queue) => queue.oldest_waiting_ms ?? -1));
  const stuck = (queues ?? []).some((queue) => queue.stuck > 0);
  return (
    <Figure
      id="waiting"
      label={words.waiting}
      value={format.count(pending)}
      note={pending === 0 ? words.noneWaits : oldest < 0 ? undefined : words.oldest(format.duration(oldest))}
      tone={stuck ? "warn" : "plain"}
      to={toPage("/queues")}
    />
  );
}

const total = (overall: Overall) => overall.figures.succeeded + overall.figures.failures + overall.figures.cancelled;

function slots(workers: CardsProps["workers"]): number {
  return (workers ?? []).reduce((sum, worker) => sum + (worker.present ? (worker.concurrency ?? 0) : 0), 0);
}

/** Those that run something, those that could, and those that went away in the range. */
function crew(workers: CardsProps["workers"], window: Window): string {
  if (!workers) return NONE;
  const there = workers.filter((worker) => worker.present);
  const busy = there.filter((worker) => worker.running > 0).length;
  const gone = workers.filter(
    (worker) => !worker.present && worker.gone_since !== null && Date.parse(worker.gone_since) >= window.from,
  );
  return `${busy} · ${there.length - busy} · ${gone.length}`;
}
