import { useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import type { Utilization } from "../../api/answers";
import { workers as askWorkers, utilization } from "../../api/questions";
import { useText } from "../../i18n";
import { useNow } from "../../live/now";
import { useRange } from "../../range/useRange";
import { Answer, Empty } from "../../ui/Answer";
import { LoadLegend } from "../../ui/charts/Legend";
import { Lines } from "../../ui/charts/Lines";
import { Figure } from "../../ui/Figure";
import { Figures, Page, PageHead, Panel } from "../../ui/Panel";
import ui from "../../ui/ui.module.css";
import { useFormat } from "../../ui/useFormat";
import { en } from "./messages.en";
import { zh } from "./messages.zh";
import { type Row, rows, SORTS, type Sort, sorted } from "./rows";
import { Strips } from "./Strips";
import styles from "./workers.module.css";

export function WorkersPage() {
  const words = useText({ en, zh });
  const format = useFormat();
  const window = useRange();
  const { q = "", sort: chosen, queue, service } = useSearch({ from: "/workers" });
  const sort = (SORTS as readonly string[]).includes(chosen ?? "") ? (chosen as Sort) : "name";
  const filters = { queue, service };
  const now = useQuery(askWorkers(window, filters));
  const used = useQuery(utilization(window, filters));
  const all = now.data && used.data ? rows(now.data.items, used.data) : [];
  const found = sorted(all, sort).filter((row) => row.name.toLowerCase().includes(q.toLowerCase()));
  const of = (standing: Row["standing"]) => all.filter((row) => row.standing === standing);

  return (
    <Page>
      <PageHead
        title={words.title}
        verdict={
          now.data &&
          used.data &&
          words.verdict(
            format.count(of("active").length),
            format.count(of("idle").length),
            format.count(of("gone").length),
          )
        }
      />
      <Answer query={used} height={112}>
        {(answer) => <Cards used={answer} all={all} />}
      </Answer>
      <Panel title={words.utilization} note={words.strips(format.length(window.stepMs))} actions={<LoadLegend />}>
        <Controls q={q} sort={sort} />
        <Answer query={used} height={480}>
          {(answer) =>
            found.length === 0 ? (
              <Empty>{q === "" ? words.none : words.noMatch}</Empty>
            ) : (
              <Strips rows={found} used={answer} />
            )
          }
        </Answer>
      </Panel>
      <Answer query={used} height={240}>
        {(answer) => (
          <Lines
            title={words.crew}
            from={Date.parse(answer.from)}
            stepMs={answer.step_ms}
            kind="count"
            series={[
              { name: words.active, weight: "bold", values: answer.buckets.map((bucket) => bucket.active_workers) },
              {
                name: words.idle,
                tone: "second",
                weight: "thin",
                values: answer.buckets.map((bucket) => bucket.idle_workers),
              },
            ]}
          />
        )}
      </Answer>
    </Page>
  );
}

function Cards({ used, all }: { used: Utilization; all: readonly Row[] }) {
  const words = useText({ en, zh });
  const format = useFormat();
  const now = useNow();
  const of = (standing: Row["standing"]) => all.filter((row) => row.standing === standing).length;
  const known = used.buckets.map((bucket) => bucket.avg_utilization).filter((value) => value !== null);
  const average = known.length > 0 ? known.reduce((sum, value) => sum + value, 0) / known.length : null;
  const { max, first_at } = used.peak_concurrency;
  return (
    <Figures>
      <Figure id="average-utilization" label={words.average} value={format.rate(average)} note={words.averageNote} />
      <Figure id="active-workers" label={words.activeNow} value={format.count(of("active"))} />
      <Figure id="idle-workers" label={words.idleNow} value={format.count(of("idle"))} />
      <Figure id="gone-workers" label={words.goneInRange} value={format.count(of("gone"))} note={words.goneNote} />
      <Figure
        id="peak"
        label={words.peak}
        value={format.count(max)}
        note={first_at ? words.peakAt(format.clock(first_at, now)) : undefined}
      />
    </Figures>
  );
}

function Controls({ q, sort }: { q: string; sort: Sort }) {
  const words = useText({ en, zh });
  const navigate = useNavigate();
  const change = (values: object, replace: boolean) =>
    navigate({ to: ".", search: (old: object) => ({ ...old, ...values }), replace } as never);
  return (
    <div className={styles.controls}>
      <input
        className={ui.field}
        type="search"
        placeholder={words.find}
        aria-label={words.find}
        value={q}
        onChange={(event) => change({ q: event.target.value || undefined }, true)}
      />
      <select
        className={ui.field}
        aria-label={words.sort}
        value={sort}
        onChange={(event) => change({ sort: event.target.value }, false)}
      >
        {SORTS.map((one) => (
          <option key={one} value={one}>
            {words.sorts[one]}
          </option>
        ))}
      </select>
    </div>
  );
}
