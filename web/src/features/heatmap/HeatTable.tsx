/** Failures by category and hour: a real table of links, so that it is read and walked like one. */
import { Link } from "@tanstack/react-router";
import type { Heatmap } from "../../api/answers";
import { useText } from "../../i18n";
import { useNow } from "../../live/now";
import { iso } from "../../range/window";
import charts from "../../ui/charts/charts.module.css";
import { Ramp } from "../../ui/charts/Legend";
import { sqrtLevel } from "../../ui/charts/scale";
import { Name } from "../../ui/Name";
import { useFormat } from "../../ui/useFormat";
import { useNarrow } from "../../ui/useNarrow";
import { type Column, failures, gathered, runs } from "./columns";
import styles from "./heatmap.module.css";
import { en } from "./messages.en";
import { zh } from "./messages.zh";

const HALF_DAY_MS = 12 * 3_600_000;
const LEVELS = 7;
const MOST_COLUMNS = 24;
/** What a phone shows: one part of the day. */
const NARROW_COLUMNS = 8;

export function HeatTable({
  answer,
  jobsOf,
}: {
  answer: Heatmap;
  jobsOf: ReadonlyMap<string | null, readonly string[]>;
}) {
  const words = useText({ en, zh });
  const format = useFormat();
  const narrow = useNarrow();
  const hours = narrow ? answer.hours.slice(-NARROW_COLUMNS) : answer.hours;
  const rows = answer.categories.map((row) => ({
    row,
    columns: gathered(narrow ? { ...row, cells: row.cells.slice(-NARROW_COLUMNS) } : row, hours, MOST_COLUMNS),
  }));
  const most = Math.max(1, ...rows.flatMap(({ columns }) => columns.map(failures)));
  const heads = rows[0]?.columns ?? [];
  const days = heads.length > 0 && (heads[0]?.to ?? 0) - (heads[0]?.from ?? 0) >= HALF_DAY_MS;
  const [low = 1, medium = 5, high = 10] = answer.thresholds;
  return (
    <>
      <div className={styles.wrap} tabIndex={0} role="region" aria-label={words.caption}>
        <table className={styles.table} data-testid="heatmap">
          <caption className="visually-hidden">{words.caption}</caption>
          <thead>
            <tr>
              <th scope="col">{words.category}</th>
              {heads.map((column) => (
                <th key={column.from} scope="col">
                  {days ? format.day(column.from) : format.hour(column.from).slice(0, 2)}
                </th>
              ))}
              <th scope="col">{words.failures}</th>
            </tr>
          </thead>
          <tbody>
            {rows.map(({ row, columns }) => (
              <tr key={row.category}>
                <th scope="row">{row.category === null ? words.without : <Name chars={20}>{row.category}</Name>}</th>
                {columns.map((column) => (
                  <Cell
                    key={column.from}
                    category={row.category ?? words.without}
                    column={column}
                    most={most}
                    jobs={jobsOf.get(row.category) ?? []}
                  />
                ))}
                <td className={styles.sum}>{format.count(row.failures)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <p className={charts.legend}>
        <Ramp kind="heat" low="1" high={format.count(most)} />
        <span>
          <span className={styles.sample} /> {words.zero}
        </span>
        <span>
          <span className={`${styles.sample} ${charts.hatch}`} /> {words.nothing}
        </span>
        <span>{words.fromOn(String(low), String(medium), String(high))}</span>
      </p>
    </>
  );
}

function Cell({
  category,
  column,
  most,
  jobs,
}: {
  category: string;
  column: Column;
  most: number;
  jobs: readonly string[];
}) {
  const words = useText({ en, zh });
  const format = useFormat();
  const now = useNow();
  const [failed, ran] = [failures(column), runs(column)];
  const hour = format.clock(column.from, now);
  const label =
    ran === 0 ? words.empty(category, hour) : words.cell(category, hour, format.exact(failed), format.exact(ran));
  const level = sqrtLevel(failed, most, LEVELS);
  if (failed === 0) {
    return (
      <td className={ran === 0 ? charts.hatch : undefined} title={label}>
        <span className="visually-hidden">{label}</span>
      </td>
    );
  }
  return (
    <td data-level={level} style={{ background: `var(--heat-${level})` }}>
      <Link
        to="/failures"
        search={{ from: iso(column.from), to: iso(column.to), ...(jobs.length > 0 && { job: [...jobs] }) } as never}
        title={label}
        aria-label={label}
      >
        {failed}
      </Link>
    </td>
  );
}
