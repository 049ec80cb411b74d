import type { JobDetail } from "../../api/answers";
import { useText } from "../../i18n";
import { useNow } from "../../live/now";
import { NONE } from "../../ui/format";
import { Panel } from "../../ui/Panel";
import ui from "../../ui/ui.module.css";
import { useFormat } from "../../ui/useFormat";
import { en } from "./messages.en";
import { zh } from "./messages.zh";

/** This range beside the one before, figure by figure. */
export function Comparison({ job }: { job: JobDetail }) {
  const words = useText({ en, zh });
  const format = useFormat();
  const now = useNow();
  const { figures: then, change, from, to } = job.comparison;
  const finished = (of: typeof then) => of.succeeded + of.failures + of.cancelled;
  const percent = (value: number | null) => (value === null ? NONE : format.change(value));
  const rows: [string, string, string, string][] = [
    [words.runs, format.count(finished(job.figures)), format.count(finished(then)), percent(change.finished)],
    [words.failures, format.count(job.figures.failures), format.count(then.failures), percent(change.failures)],
    [
      words.success,
      format.rate(job.figures.success_rate),
      format.rate(then.success_rate),
      change.success_rate === null ? NONE : format.points(change.success_rate),
    ],
    ["p50", format.duration(job.figures.duration_ms.p50), format.duration(then.duration_ms.p50), percent(change.p50)],
    ["p95", format.duration(job.figures.duration_ms.p95), format.duration(then.duration_ms.p95), percent(change.p95)],
  ];
  return (
    <Panel title={words.compare} note={words.compareWith(format.clock(from, now), format.clock(to, now))}>
      <div className={ui.tableWrap} tabIndex={0} role="region" aria-label={words.compare}>
        <table className={ui.table}>
          <thead>
            <tr>
              <th scope="col">{words.figure}</th>
              <th scope="col" data-align="end">
                {words.now}
              </th>
              <th scope="col" data-align="end">
                {words.earlier}
              </th>
              <th scope="col" data-align="end">
                {words.change}
              </th>
            </tr>
          </thead>
          <tbody>
            {rows.map(([name, ...values]) => (
              <tr key={name}>
                <td>{name}</td>
                {values.map((value, index) => (
                  <td key={index} data-align="end">
                    {value}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </Panel>
  );
}
