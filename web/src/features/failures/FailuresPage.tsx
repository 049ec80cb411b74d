import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import type { Failure } from "../../api/answers";
import { failures as askFailures, jobNames, type RunFilters } from "../../api/questions";
import { useText } from "../../i18n";
import { useRange } from "../../range/useRange";
import { Answer, Empty } from "../../ui/Answer";
import { Chips, type Field } from "../../ui/Chips";
import { SparkBars } from "../../ui/charts/Spark";
import { toJob, toRuns, toTask } from "../../ui/links";
import { Name } from "../../ui/Name";
import { Page, PageHead } from "../../ui/Panel";
import { CardLine, type Column, Table } from "../../ui/Table";
import { Time } from "../../ui/Time";
import { useWords } from "../../ui/text";
import ui from "../../ui/ui.module.css";
import { useFormat } from "../../ui/useFormat";
import { en } from "./messages.en";
import { zh } from "./messages.zh";
import { titleOf } from "./title";

const OUTCOMES = ["failed", "timed_out", "lost"] as const;

export function FailuresPage() {
  const words = useText({ en, zh });
  const shared = useWords();
  const format = useFormat();
  const window = useRange();
  const { job, queue, worker, outcome, service, fingerprint, q } = useSearch({ from: "/failures" });
  const chosen = { job, queue, worker, outcome, service, fingerprint };
  const navigate = useNavigate();
  const filters: RunFilters = { ...chosen, text: q };
  const query = useInfiniteQuery(askFailures(window, filters));
  const first = query.data?.pages[0];
  const found = query.data?.pages.flatMap((page) => page.items) ?? [];
  const filtered = Object.values(filters).some(Boolean);
  const change = (values: object, replace = false) =>
    navigate({ to: ".", search: (old: object) => ({ ...old, ...values }), replace } as never);
  return (
    <Page>
      <PageHead
        title={words.title}
        verdict={
          first &&
          (first.failures === 0 ? words.well : words.verdict(format.count(first.failures), format.count(first.groups)))
        }
      />
      {first && !first.complete && <p className={ui.note}>{words.incomplete}</p>}
      <search className={ui.chips}>
        <input
          className={ui.field}
          type="search"
          aria-label={words.search}
          placeholder={words.search}
          value={q ?? ""}
          onChange={(event) => change({ q: event.target.value || undefined }, true)}
        />
        <Chips fields={useFields()} chosen={chosen} change={(key, values) => change({ [key]: values })} words={words} />
      </search>
      <section className={ui.panel} aria-label={words.title}>
        <Answer query={query} height={480}>
          {() =>
            found.length === 0 ? (
              <Empty
                action={
                  filtered && (
                    <button
                      type="button"
                      className={ui.button}
                      onClick={() =>
                        change({
                          q: undefined,
                          job: undefined,
                          queue: undefined,
                          worker: undefined,
                          outcome: undefined,
                          service: undefined,
                          fingerprint: undefined,
                        })
                      }
                    >
                      {shared.clearFilters}
                    </button>
                  )
                }
              >
                {filtered ? shared.nothingMatches : words.well}
              </Empty>
            ) : (
              <>
                <Groups groups={found} />
                {query.hasNextPage && (
                  <p className={ui.empty}>
                    <button
                      type="button"
                      className={ui.button}
                      disabled={query.isFetchingNextPage}
                      onClick={() => query.fetchNextPage()}
                    >
                      {shared.more}
                    </button>
                  </p>
                )}
              </>
            )
          }
        </Answer>
      </section>
    </Page>
  );
}

function useFields(): Field[] {
  const words = useText({ en, zh });
  const shared = useWords();
  const known = useQuery(jobNames(useRange())).data?.items ?? [];
  const named = (values: string[]) => [...new Set(values)].map((value) => ({ value }));
  return [
    { key: "job", label: words.job, suggestions: named(known.map((job) => job.job)) },
    {
      key: "outcome",
      label: words.outcome,
      closed: true,
      suggestions: OUTCOMES.map((value) => ({ value, label: shared[value] })),
    },
    { key: "queue", label: words.queue, suggestions: [] },
    { key: "worker", label: words.worker, suggestions: [] },
    { key: "service", label: words.service, suggestions: named(known.map((job) => job.service)) },
  ];
}

function Groups({ groups }: { groups: readonly Failure[] }) {
  const words = useText({ en, zh });
  const format = useFormat();
  const columns: Column<Failure>[] = [
    { key: "failure", head: words.failure, wide: true, cell: (group) => <Title group={group} /> },
    { key: "count", head: words.count, align: "end", cell: (group) => <Count group={group} /> },
    { key: "share", head: words.share, drop: 1, align: "end", cell: (group) => format.rate(group.share) },
    { key: "trend", head: words.trend, cell: (group) => <Trend group={group} /> },
    { key: "jobs", head: words.jobs, cell: (group) => <JobNames group={group} /> },
    { key: "first", head: words.first, drop: 2, cell: (group) => <Time at={group.first_seen} age={false} /> },
    { key: "last", head: words.last, cell: (group) => <Time at={group.last_seen} age={false} /> },
  ];
  return (
    <Table
      caption={words.title}
      rows={groups}
      id={(group) => group.fingerprint}
      columns={columns}
      card={(group) => (
        <>
          <CardLine>
            <Title group={group} />
          </CardLine>
          <CardLine>
            <Count group={group} />
            <JobNames group={group} />
            <Time at={group.last_seen} age={false} />
          </CardLine>
        </>
      )}
    />
  );
}

/** The newest run of the group stands for it, and is where the name leads: its traceback stands open there. */
function Title({ group }: { group: Failure }) {
  const { type, message, said } = titleOf(group, useWords());
  return (
    <>
      <Name chars={52} words={!said} {...(group.example && { to: toTask(group.example.task, group.example.service) })}>
        {type}
      </Name>
      {message && (
        <div className={ui.panelNote}>
          <Name chars={52}>{message}</Name>
        </div>
      )}
    </>
  );
}

function Count({ group }: { group: Failure }) {
  const words = useText({ en, zh });
  const format = useFormat();
  return (
    <>
      <Link {...toRuns({ fingerprint: [group.fingerprint] })}>{format.count(group.failures)}</Link>
      <div className={ui.panelNote}>
        {group.change === null ? words.fresh : words.change(format.change(group.change))}
      </div>
    </>
  );
}

function Trend({ group }: { group: Failure }) {
  const words = useText({ en, zh });
  const format = useFormat();
  return (
    <SparkBars
      values={[]}
      bad={group.trend}
      most={Math.max(...group.trend)}
      label={words.trendLabel(format.exact(group.failures))}
    />
  );
}

function JobNames({ group }: { group: Failure }) {
  const words = useText({ en, zh });
  const format = useFormat();
  const [first] = group.jobs;
  if (!first) return null;
  return (
    <>
      {first.job === null ? null : (
        <Name chars={24} to={toJob(first.job, first.service)}>
          {first.job}
        </Name>
      )}
      {group.jobs_total > 1 && <span className={ui.muted}> {words.moreJobs(format.count(group.jobs_total - 1))}</span>}
    </>
  );
}
