import { useQuery } from "@tanstack/react-query";
import { heatmap, jobNames } from "../../api/questions";
import { useText } from "../../i18n";
import { useNow } from "../../live/now";
import { Answer, Empty } from "../../ui/Answer";
import { Panel } from "../../ui/Panel";
import { FailingJobs } from "../heatmap/FailingJobs";
import { HeatTable } from "../heatmap/HeatTable";
import { en } from "./messages.en";
import { zh } from "./messages.zh";

const HOUR_MS = 3_600_000;
const HOURS = 24;

/** The last 24 whole hours, whatever range the other pages look at. */
export function FailureHeat() {
  const words = useText({ en, zh });
  const to = Math.ceil(useNow() / HOUR_MS) * HOUR_MS;
  const window = { from: to - HOURS * HOUR_MS, to };
  const query = useQuery(heatmap(window));
  const jobs = useQuery(jobNames(window)).data?.items ?? [];
  const names = new Map(
    [...Map.groupBy(jobs, (job) => job.category ?? null)].map(([category, found]) => [
      category,
      found.map((job) => job.job),
    ]),
  );
  return (
    <Answer query={query} height={320}>
      {(answer) =>
        answer.categories.length === 0 ? (
          <Empty>{words.nothing}</Empty>
        ) : (
          <>
            <Panel title={words.heat} note={words.heatNote}>
              <HeatTable answer={answer} jobsOf={names} />
            </Panel>
            {answer.most === 0 ? <Empty>{words.noFailure}</Empty> : <FailingJobs answer={answer} />}
          </>
        )
      }
    </Answer>
  );
}
