import type { InfiniteData, UseInfiniteQueryResult } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { Failure, Failures } from "../../api/answers";
import { useText } from "../../i18n";
import { useNow } from "../../live/now";
import { Answer, Empty } from "../../ui/Answer";
import { SparkBars } from "../../ui/charts/Spark";
import { toPage, toTask } from "../../ui/links";
import { Name } from "../../ui/Name";
import { Panel } from "../../ui/Panel";
import { useWords } from "../../ui/text";
import { useFormat } from "../../ui/useFormat";
import { titleOf } from "../failures/title";
import { en } from "./messages.en";
import { zh } from "./messages.zh";
import styles from "./overview.module.css";

/** The most frequent failures; each leads to the newest run that failed so, where its traceback stands open. */
export function TopFailures({ query }: { query: UseInfiniteQueryResult<InfiniteData<Failures>> }) {
  const words = useText({ en, zh });
  const format = useFormat();
  const now = useNow();
  return (
    <Panel title={words.topFailures} actions={<Link {...toPage("/failures")}>{words.all}</Link>}>
      <Answer query={query} height={264}>
        {(data) => {
          const items = data.pages[0]?.items ?? [];
          if (items.length === 0) return <Empty>{words.noFailures}</Empty>;
          return (
            <ul className={styles.failures} data-testid="top-failures">
              {items.map((group) => (
                <li key={group.fingerprint}>
                  <div>
                    <Title group={group} />
                    <p className={styles.sub}>
                      <Name chars={24}>{group.jobs[0]?.job ?? null}</Name> · {words.lastSeen}{" "}
                      {format.clock(group.last_seen, now)}
                    </p>
                  </div>
                  <span className={styles.count}>{format.count(group.failures)}</span>
                  <SparkBars
                    values={[]}
                    bad={group.trend}
                    most={Math.max(...group.trend)}
                    label={format.exact(group.failures)}
                  />
                </li>
              ))}
            </ul>
          );
        }}
      </Answer>
    </Panel>
  );
}

function Title({ group }: { group: Failure }) {
  const { type, message, said } = titleOf(group, useWords());
  return (
    <Name chars={44} words={!said} {...(group.example && { to: toTask(group.example.task, group.example.service) })}>
      {message ? `${type}: ${message}` : type}
    </Name>
  );
}
