/** A task from its first fact to its last: a row per run, its waiting before it. */
import type { Task } from "../../api/answers";
import { useText } from "../../i18n";
import { useNow } from "../../live/now";
import { useWords } from "../../ui/text";
import { useFormat } from "../../ui/useFormat";
import { en } from "./messages.en";
import { zh } from "./messages.zh";
import styles from "./run.module.css";
import { type Span, spans } from "./spans";

export function Waterfall({ task }: { task: Task }) {
  const words = useText({ en, zh });
  const shared = useWords();
  const format = useFormat();
  const now = useNow();
  const found = spans(task.runs, now);
  if (found.length === 0) return null;
  const from = Math.min(...found.map((span) => span.from));
  const to = Math.max(...found.map((span) => span.to), from + 1);
  const place = (span: Span) => ({
    left: `${((span.from - from) / (to - from)) * 100}%`,
    width: `max(2px, ${((span.to - span.from) / (to - from)) * 100}%)`,
  });
  const name = (span: Span) => {
    const outcome = task.runs[span.index]?.outcome;
    const kind = {
      waiting: words.waiting,
      backoff: words.backoff,
      open: words.running,
      run: outcome ? shared[outcome] : "",
    }[span.kind];
    return `${kind} ${format.duration(span.to - span.from)}`;
  };
  return (
    <>
      <ol className={styles.rows}>
        {task.runs.map((run, index) => (
          <li key={`${run.attempt}-${run.run}`} className={styles.row}>
            <span className={styles.rowName}>
              {words.attempt(String(run.attempt), String(task.attempts))}
              {found.some((span) => span.index === index && span.again) && ` · ${words.redelivery}`}
            </span>
            <span className={styles.track}>
              {found
                .filter((span) => span.index === index)
                .map((span) => (
                  <span
                    key={span.kind}
                    className={styles.span}
                    data-kind={span.kind}
                    data-outcome={span.kind === "run" ? (run.outcome ?? "") : ""}
                    data-inferred={run.inferred}
                    style={place(span)}
                    title={name(span)}
                  >
                    <span className="visually-hidden">{name(span)}</span>
                  </span>
                ))}
            </span>
            <span className={styles.rowEnd}>
              {found
                .filter((span) => span.index === index)
                .map(name)
                .at(-1)}
            </span>
          </li>
        ))}
      </ol>
      <p className={styles.ends}>
        <span>{format.clock(from, now)}</span>
        <span>{format.duration(to - from)}</span>
        <span>{format.clock(to, now)}</span>
      </p>
    </>
  );
}
