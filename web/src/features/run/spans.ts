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

/** Spans by run, oldest first; `now` ends what still goes on. */
export function spans(runs: readonly TaskRun[], now: number): Span[] {
  const seen = new Set<number>();
  return runs.flatMap((run, index) => {
    const again = seen.has(run.attempt);
    seen.add(run.attempt);
    const due = instant(run.due_at ?? run.submitted_at);
    const start = instant(run.started_at) ?? begun(run);
    const end = instant(run.finished_at);
    const found: Span[] = [];
    const base = { attempt: run.attempt, index, again };
    const waitedTo = start ?? (run.waiting ? now : end);
    const previous = lastEnd(runs.slice(0, index));
    if (previous !== null && due !== null && run.attempt > 1 && previous < due)
      found.push({ ...base, kind: "backoff", from: previous, to: due });
    if (due !== null && waitedTo !== null && waitedTo > due)
      found.push({ ...base, kind: "waiting", from: due, to: waitedTo });
    if (start !== null) {
      found.push(
        end === null
          ? { ...base, kind: "open", from: start, to: Math.max(start, instant(run.alive_at) ?? start) }
          : { ...base, kind: "run", from: start, to: Math.max(start, end) },
      );
    }
    return found;
  });
}

/** Where only the end and the length are known. */
function begun(run: TaskRun): number | null {
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
