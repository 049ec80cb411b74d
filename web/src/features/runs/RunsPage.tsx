import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { useState } from "react";
import type { Run } from "../../api/answers";
import { runs as askRuns, type RunFilters, stats } from "../../api/questions";
import { useText } from "../../i18n";
import { useRange } from "../../range/useRange";
import { Answer, Empty } from "../../ui/Answer";
import { Chips, type Field } from "../../ui/Chips";
import { Page, PageHead } from "../../ui/Panel";
import { useWords } from "../../ui/text";
import ui from "../../ui/ui.module.css";
import { useFormat } from "../../ui/useFormat";
import { en } from "./messages.en";
import { zh } from "./messages.zh";
import { RunsTable, runId } from "./RunsTable";

const OUTCOMES = ["failed", "timed_out", "lost", "cancelled", "succeeded"] as const;
const STATES = ["PENDING", "PROCESSING", "RETRYING", "COMPLETED", "FAILED"] as const;

export function RunsPage() {
  const words = useText({ en, zh });
  const shared = useWords();
  const format = useFormat();
  const window = useRange();
  const search = useSearch({ from: "/runs" });
  const navigate = useNavigate();
  const filters: RunFilters = {
    job: search.job,
    queue: search.queue,
    service: search.service,
    worker: search.worker,
    outcome: search.outcome,
    state: search.state,
    fingerprint: search.fingerprint,
    text: search.q,
  };
  const query = useInfiniteQuery(askRuns(window, filters));
  const fields = useFields(window);
  const change = (key: string, values: string[] | undefined) =>
    navigate({ to: ".", search: (old: object) => ({ ...old, [key]: values }) } as never);
  const filtered = Object.values(filters).some(Boolean);
  const found = query.data?.pages.flatMap((page) => page.items) ?? [];
  const held = useHeld(found, JSON.stringify(query.data?.pages.length) + JSON.stringify(filters) + window.from);

  return (
    <Page>
      <PageHead title={words.title} verdict={query.data && words.verdict(format.count(held.rows.length))} />
      <Chips fields={fields} chosen={filters as Record<string, string[] | undefined>} change={change} words={words} />
      <section className={ui.panel} aria-label={words.title}>
        <Answer query={query} height={600}>
          {() =>
            held.rows.length === 0 ? (
              <Empty
                action={
                  filtered && (
                    <button
                      type="button"
                      className={ui.button}
                      onClick={() =>
                        navigate({
                          to: "/runs",
                          search: { range: search.range, from: search.from, to: search.to },
                        } as never)
                      }
                    >
                      {shared.clearFilters}
                    </button>
                  )
                }
              >
                {filtered ? shared.nothingMatches : shared.nothingInRange}
              </Empty>
            ) : (
              <>
                {held.fresh > 0 && (
                  <p className={ui.note} role="status">
                    <button type="button" className={ui.button} onClick={held.letIn}>
                      {words.fresh(format.count(held.fresh))}
                    </button>
                  </p>
                )}
                <RunsTable runs={held.rows} caption={words.title} />
                <p className={ui.empty}>
                  {query.hasNextPage ? (
                    <button
                      type="button"
                      className={ui.button}
                      disabled={query.isFetchingNextPage}
                      onClick={() => query.fetchNextPage()}
                    >
                      {shared.more}
                    </button>
                  ) : (
                    <span className={ui.muted}>{words.end}</span>
                  )}
                </p>
              </>
            )
          }
        </Answer>
      </section>
    </Page>
  );
}

/**
 * Hold the rows still: those that are shown change in place, and new ones wait to be let in.
 *
 * Another question (`about`) shows what it found at once.
 */
function useHeld(found: readonly Run[], about: string) {
  const ids = found.map(runId);
  const [shown, setShown] = useState({ about, ids: new Set(ids) });
  const known = shown.about === about && (shown.ids.size > 0 || ids.length === 0) ? shown.ids : new Set(ids);
  if (known !== shown.ids) setShown({ about, ids: known });
  const rows = found.filter((run) => known.has(runId(run)));
  return { rows, fresh: found.length - rows.length, letIn: () => setShown({ about, ids: new Set(ids) }) };
}

/** What runs can be chosen by; names are suggested from those that ran in the range. */
function useFields(window: ReturnType<typeof useRange>): Field[] {
  const words = useText({ en, zh });
  const shared = useWords();
  const known = useQuery(stats(window));
  const named = (values: (string | null)[]) =>
    [...new Set(values)].filter((value) => value !== null).map((value) => ({ value }));
  const jobs = known.data?.jobs ?? [];
  const states = {
    PENDING: "pending",
    PROCESSING: "processing",
    RETRYING: "retrying",
    COMPLETED: "completed",
    FAILED: "failed",
  } as const;
  return [
    { key: "job", label: words.job, suggestions: named(jobs.map((job) => job.job)) },
    {
      key: "outcome",
      label: words.outcome,
      closed: true,
      suggestions: OUTCOMES.map((value) => ({ value, label: shared[value] })),
    },
    {
      key: "state",
      label: words.state,
      closed: true,
      suggestions: STATES.map((value) => ({ value, label: shared[states[value]] })),
    },
    { key: "queue", label: words.queue, suggestions: [] },
    { key: "worker", label: words.worker, suggestions: [] },
    { key: "service", label: words.service, suggestions: named(jobs.map((job) => job.service)) },
  ];
}
