/** Lines over time: straight, gaps where nothing was, a dot where a point stands alone. */
import type { ReactNode } from "react";
import { useNow } from "../../live/now";
import { useWords } from "../text";
import { useFormat } from "../useFormat";
import { Chart } from "./Chart";
import styles from "./charts.module.css";
import { useCrosshair } from "./crosshair";
import { type Frame, Plot } from "./Plot";
import { durationTicks, stretches, valueTicks } from "./scale";

export interface Series {
  name: string;
  values: readonly (number | null)[];
  weight?: "thin" | "bold" | "dotted";
  tone?: "second";
}

interface Props {
  title: string;
  note?: ReactNode;
  from: number;
  stepMs: number;
  series: readonly Series[];
  kind: "duration" | "count" | "share";
  limit?: { value: number; name: string } | undefined;
}

const HEIGHT = 160;

export function Lines({ title, note, from, stepMs, series, kind, limit }: Props) {
  const words = useWords();
  const format = useFormat();
  const now = useNow();
  const buckets = Math.max(0, ...series.map((one) => one.values.length));
  const most = Math.max(limit?.value ?? 0, ...series.flatMap((one) => one.values.map((value) => value ?? 0)));
  const write = { duration: format.duration, count: format.count, share: format.rate }[kind];
  const ticks =
    kind === "duration"
      ? durationTicks(Math.max(most, 1), 4)
      : valueTicks(kind === "share" ? Math.max(most, 1) : Math.max(most, 1), 4);
  return (
    <Chart
      title={title}
      note={note}
      readout={<Readout series={series} from={from} stepMs={stepMs} write={write} limit={limit} />}
      head={[words.start, ...series.map((one) => one.name)]}
      rows={() =>
        Array.from({ length: buckets }, (_, index) => [
          format.clock(from + index * stepMs, now),
          ...series.map((one) => write(one.values[index] ?? null)),
        ])
      }
      plot={
        <Plot
          from={from}
          to={from + buckets * stepMs}
          height={HEIGHT}
          ticks={ticks}
          write={kind === "duration" ? format.length : write}
          label={title}
        >
          {(frame) => (
            <>
              {limit && (
                <line
                  className={styles.limit}
                  x1={frame.left}
                  x2={frame.left + frame.width}
                  y1={frame.y(limit.value)}
                  y2={frame.y(limit.value)}
                />
              )}
              {series.map((one) => (
                <Line key={one.name} series={one} frame={frame} from={from} stepMs={stepMs} now={now} />
              ))}
            </>
          )}
        </Plot>
      }
    />
  );
}

function Line({
  series,
  frame,
  from,
  stepMs,
  now,
}: {
  series: Series;
  frame: Frame;
  from: number;
  stepMs: number;
  now: number;
}) {
  const x = (index: number) => frame.x(from + (index + 0.5) * stepMs);
  const runs = stretches(series.values);
  return (
    <g>
      {runs.map(([low, high]) =>
        low === high ? (
          <circle
            key={low}
            className={styles.dot}
            data-tone={series.tone}
            cx={x(low)}
            cy={frame.y(series.values[low] ?? 0)}
            r={2}
          />
        ) : (
          <path
            key={low}
            className={
              from + (high + 1) * stepMs > now && high - low === 1 ? `${styles.line} ${styles.dashed}` : styles.line
            }
            data-weight={series.weight}
            data-tone={series.tone}
            d={series.values
              .slice(low, high + 1)
              .map(
                (value, index) =>
                  `${index === 0 ? "M" : "L"}${x(low + index).toFixed(1)} ${frame.y(value ?? 0).toFixed(1)}`,
              )
              .join("")}
          />
        ),
      )}
    </g>
  );
}

function Readout({
  series,
  from,
  stepMs,
  write,
  limit,
}: Pick<Props, "series" | "from" | "stepMs" | "limit"> & { write: (value: number | null) => string }) {
  const format = useFormat();
  const now = useNow();
  const at = useCrosshair();
  const index = at === null ? -1 : Math.floor((at - from) / stepMs);
  const newest = Math.max(-1, ...series.map((one) => one.values.findLastIndex((value) => value !== null)));
  const shown =
    at !== null && index >= 0 && index < Math.max(...series.map((one) => one.values.length)) ? index : newest;
  return (
    <>
      {shown >= 0 && <b>{format.clock(from + shown * stepMs, now)}</b>}
      {series.map((one) => (
        <span key={one.name}>
          {one.name} <b>{write(one.values[shown] ?? null)}</b>
        </span>
      ))}
      {limit && (
        <span>
          {limit.name} <b>{write(limit.value)}</b>
        </span>
      )}
    </>
  );
}
