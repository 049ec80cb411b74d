/** What a task did when: its waiting, runs and pauses as spans of time. Pure, so that it is tested without a page. */
import type { TaskRun } from "../../api/answers";

export interface Span {
  kind: "waiting" | "backoff" | "run" | "open";
  attempt: number;
  from: number;
  to: number;
  /** The run that it belongs to, by its place in the list. */
  index: number;
  /** Whether the attempt had a run before: it was delivered twice. */
  again: boolean;
}

/** Spans by run, oldest first; `now` ends what still waits. */
export function spans(runs: readonly TaskRun[], now: number): Span[] {
  const seen = new Set<number>();
  return runs.flatMap((run, index) => {
    const base = { attempt: run.attempt, index, again: seen.has(run.attempt) };
    seen.add(run.attempt);
    return [...before(run, lastEnd(runs.slice(0, index)), now), ...during(run)].map((span) => ({ ...base, ...span }));
  });
}

type Stretch = Pick<Span, "kind" | "from" | "to">;

/** From the end of the attempt before until it was due, and from then until it began. */
function before(run: TaskRun, previous: number | null, now: number): Stretch[] {
  const due = instant(run.due_at ?? run.submitted_at);
  if (due === null) return [];
  const found: Stretch[] = [];
  const until = begun(run) ?? (run.waiting ? now : due);
  if (run.attempt > 1 && previous !== null && previous < due) found.push({ kind: "backoff", from: previous, to: due });
  if (until > due) found.push({ kind: "waiting", from: due, to: until });
  return found;
}

/** The run itself; one without an end is known as far as its newest fact. */
function during(run: TaskRun): Stretch[] {
  const start = begun(run);
  if (start === null) return [];
  const end = instant(run.finished_at);
  if (end === null) return [{ kind: "open", from: start, to: Math.max(start, instant(run.alive_at) ?? start) }];
  return [{ kind: "run", from: start, to: Math.max(start, end) }];
}

/** When it began; where only the end and the length are known, what follows from them. */
function begun(run: TaskRun): number | null {
  const start = instant(run.started_at);
  if (start !== null) return start;
  const end = instant(run.finished_at);
  return end !== null && run.duration_ms !== null ? end - run.duration_ms : end;
}

function lastEnd(runs: readonly TaskRun[]): number | null {
  const ends = runs.map((run) => instant(run.finished_at)).filter((end) => end !== null);
  return ends.length > 0 ? Math.max(...ends) : null;
}

function instant(text: string | null): number | null {
  return text === null ? null : Date.parse(text);
}
