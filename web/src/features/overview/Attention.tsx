/** What needs an eye, worst first, each with the way to its cause. */
import { Link } from "@tanstack/react-router";
import type { Job, Queue, Worker } from "../../api/answers";
import { useText } from "../../i18n";
import { useNow } from "../../live/now";
import type { Window } from "../../range/window";
import { Empty } from "../../ui/Answer";
import { toPage, toRuns } from "../../ui/links";
import { Name } from "../../ui/Name";
import { Panel } from "../../ui/Panel";
import { useFormat } from "../../ui/useFormat";
import { en } from "./messages.en";
import { zh } from "./messages.zh";
import styles from "./overview.module.css";

const HEALTHY = 0.95;
/** Of each kind; the pages behind them show all. */
const MOST = 6;

export interface Trouble {
  jobs: Job[];
  workers: Worker[];
  queues: Queue[];
}

/** Jobs below a healthy success rate, workers that went away in the range, queues where something waits too long. */
export function troubles(
  jobs: readonly Job[],
  workers: readonly Worker[],
  queues: readonly Queue[],
  window: Window,
): Trouble {
  const failing = jobs.filter((job) => job.figures.success_rate !== null && job.figures.success_rate < HEALTHY);
  const gone = workers.filter(
    (worker) =>
      !worker.present && worker.gone_since !== null && worker.boots > 0 && Date.parse(worker.gone_since) >= window.from,
  );
  return {
    jobs: failing.toSorted((a, b) => b.figures.failures - a.figures.failures),
    workers: gone,
    queues: queues.filter((queue) => queue.stuck > 0),
  };
}

export function Attention({ trouble }: { trouble: Trouble }) {
  const words = useText({ en, zh });
  const format = useFormat();
  const now = useNow();
  const empty = trouble.jobs.length + trouble.workers.length + trouble.queues.length === 0;
  return (
    <Panel title={words.attention} note={words.attentionNote}>
      {empty ? (
        <Empty>{words.allWell}</Empty>
      ) : (
        <ul className={styles.list} data-testid="attention">
          {trouble.jobs.slice(0, MOST).map((job) => {
            const { failures, succeeded, success_rate } = job.figures;
            return (
              <li key={`${job.service}/${job.job}`}>
                <span className={styles.bad} aria-hidden="true">
                  ✕
                </span>
                <Name
                  chars={28}
                  to={toRuns({ job: [job.job], service: [job.service], outcome: ["failed", "timed_out", "lost"] })}
                >
                  {job.job}
                </Name>
                <span>
                  {words.failing(
                    format.rate(1 - (success_rate ?? 1)),
                    format.count(failures),
                    format.count(failures + succeeded),
                  )}
                </span>
              </li>
            );
          })}
          {trouble.workers.slice(0, MOST).map((worker) => (
            <li key={`${worker.service}/${worker.worker}`}>
              <span className={styles.lost} aria-hidden="true">
                ?
              </span>
              <Name chars={28} to={toPage("/workers", { q: worker.worker })}>
                {worker.worker}
              </Name>
              <span>{words.gone(format.clock(worker.gone_since, now))}</span>
            </li>
          ))}
          {trouble.queues.slice(0, MOST).map((queue) => (
            <li key={`${queue.service}/${queue.queue}`}>
              <span className={styles.warn} aria-hidden="true">
                ◷
              </span>
              <Link {...toPage("/queues")}>
                <Name chars={28}>{queue.queue}</Name>
              </Link>
              <span>{words.stuck(format.count(queue.stuck))}</span>
            </li>
          ))}
          {trouble.workers.length > MOST && (
            <li>
              <span />
              <Link {...toPage("/workers", { sort: "gone" })}>
                {words.more(format.count(trouble.workers.length - MOST))}
              </Link>
              <span />
            </li>
          )}
        </ul>
      )}
    </Panel>
  );
}
