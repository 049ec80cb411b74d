import { useQuery } from "@tanstack/react-query";
import { useSearch } from "@tanstack/react-router";
import type { Heatmap } from "../../api/answers";
import { heatmap, jobNames } from "../../api/questions";
import { useText } from "../../i18n";
import { useNow } from "../../live/now";
import { useRange } from "../../range/useRange";
import { Answer, Empty } from "../../ui/Answer";
import { Page, PageHead, Panel } from "../../ui/Panel";
import { useFormat } from "../../ui/useFormat";
import { FailingJobs } from "./FailingJobs";
import { HeatTable } from "./HeatTable";
import { en } from "./messages.en";
import { zh } from "./messages.zh";

const MOST_MS = 31 * 86_400_000;

export function HeatmapPage() {
  const words = useText({ en, zh });
  const window = useRange();
  const { service } = useSearch({ from: "/heatmap" });
  const tooLong = window.to - window.from > MOST_MS;
  const query = useQuery({ ...heatmap(window, { service }), enabled: !tooLong });
  const jobs = useQuery(jobNames(window)).data?.items ?? [];
  const jobsOf = Map.groupBy(jobs, (job) => job.category ?? null);
  const names = new Map([...jobsOf].map(([category, found]) => [category, found.map((job) => job.job)]));
  return (
    <Page>
      <PageHead title={words.title} verdict={query.data && <Verdict answer={query.data} />} />
      {tooLong ? (
        <Empty>{words.tooLong}</Empty>
      ) : (
        <Answer query={query} height={320}>
          {(answer) =>
            answer.categories.length === 0 ? (
              <Empty>{words.none}</Empty>
            ) : (
              <>
                <Panel title={words.caption}>
                  <HeatTable answer={answer} jobsOf={names} />
                </Panel>
                <FailingJobs answer={answer} />
              </>
            )
          }
        </Answer>
      )}
    </Page>
  );
}

function Verdict({ answer }: { answer: Heatmap }) {
  const words = useText({ en, zh });
  const format = useFormat();
  const now = useNow();
  const failures = answer.categories.reduce((sum, row) => sum + row.failures, 0);
  if (failures === 0) return words.well;
  const byHour = answer.hours.map((_, index) =>
    answer.categories.reduce((sum, row) => sum + (row.cells[index]?.failures ?? 0), 0),
  );
  const most = Math.max(...byHour);
  return words.verdict(
    format.count(failures),
    format.clock(answer.hours[byHour.indexOf(most)], now),
    format.count(most),
  );
}
