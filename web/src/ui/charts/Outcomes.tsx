/** How runs ended, bucket by bucket: what went wrong stands on the ground line, so that it can be compared. */
import { Link, useNavigate } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { useNow } from "../../live/now";
import { sides } from "../../range/window";
import { useWords } from "../text";
import { useFormat } from "../useFormat";
import { Chart } from "./Chart";
import styles from "./charts.module.css";
import { useCrosshair } from "./crosshair";
import { type Frame, Plot } from "./Plot";
import { valueTicks } from "./scale";

export const OUTCOMES = ["failed", "timed_out", "lost", "cancelled", "succeeded"] as const;
export type Outcome = (typeof OUTCOMES)[number];
export type OutcomeBucket = { start: string } & Record<Outcome, number>;

interface Props {
  title: string;
  note?: ReactNode;
  buckets: readonly OutcomeBucket[];
  stepMs: number;
  /** The period before, bucket by bucket, drawn as a dashed line of totals. */
  previous?: readonly OutcomeBucket[] | undefined;
  /** The filters that runs behind a bucket are listed with. */
  filters?: Record<string, string[] | undefined>;
}

const HEIGHT = 180;
const total = (bucket: OutcomeBucket) => OUTCOMES.reduce((sum, outcome) => sum + bucket[outcome], 0);

export function Outcomes({ title, note, buckets, stepMs, previous, filters = {} }: Props) {
  const words = useWords();
  const format = useFormat();
  const now = useNow();
  const navigate = useNavigate();
  const from = buckets[0] ? Date.parse(buckets[0].start) : now;
  const to = from + buckets.length * stepMs;
  const most = Math.max(1, ...buckets.map(total), ...(previous ?? []).map(total));
  const behind = (bucket: OutcomeBucket) => {
    const start = Date.parse(bucket.start);
    return { to: "/runs" as const, search: { ...filters, ...sides(start, start + stepMs) } };
  };
  return (
    <Chart
      title={title}
      note={note}
      readout={<Readout buckets={buckets} stepMs={stepMs} />}
      head={[words.start, words.total, ...OUTCOMES.map((outcome) => words[outcome])]}
      rows={() =>
        buckets.map((bucket) => [
          <Link key="start" {...behind(bucket)}>
            {format.clock(bucket.start, now)}
          </Link>,
          format.exact(total(bucket)),
          ...OUTCOMES.map((outcome) => format.exact(bucket[outcome])),
        ])
      }
      plot={
        <Plot
          from={from}
          to={to}
          height={HEIGHT}
          ticks={valueTicks(most, 3).filter(Number.isInteger)}
          write={format.count}
          label={title}
          onPick={(time) => {
            const bucket = buckets[Math.floor((time - from) / stepMs)];
            if (bucket && total(bucket) > 0) void navigate(behind(bucket));
          }}
        >
          {(frame) => (
            <>
              {buckets.map((bucket) => (
                <Bar
                  key={bucket.start}
                  bucket={bucket}
                  frame={frame}
                  stepMs={stepMs}
                  forming={Date.parse(bucket.start) + stepMs > now}
                />
              ))}
              {previous && <Previous buckets={previous} frame={frame} from={from} stepMs={stepMs} />}
            </>
          )}
        </Plot>
      }
    />
  );
}

/** One bucket. The one that still fills is faded and has a dashed edge. */
function Bar({
  bucket,
  frame,
  stepMs,
  forming,
}: {
  bucket: OutcomeBucket;
  frame: Frame;
  stepMs: number;
  forming: boolean;
}) {
  const start = Date.parse(bucket.start);
  const left = frame.x(start);
  const width = Math.max(1, frame.x(start + stepMs) - left - 1);
  let below = 0;
  const parts = OUTCOMES.map((outcome) => {
    const low = below;
    below += bucket[outcome];
    const bottom = frame.y(low);
    const top = frame.y(below);
    // A single failure among thousands of runs is still seen: a part is never thinner than two pixels.
    const height = bucket[outcome] > 0 ? Math.max(outcome === "succeeded" ? 1 : 2, bottom - top - 1) : 0;
    return (
      height > 0 && (
        <rect key={outcome} className={styles[outcome]} x={left} y={bottom - height} width={width} height={height} />
      )
    );
  });
  if (below === 0) return null;
  return (
    <g className={forming ? styles.forming : undefined}>
      {parts}
      {forming && (
        <rect
          className={styles.formingEdge}
          x={left}
          y={frame.y(below)}
          width={width}
          height={frame.y(0) - frame.y(below)}
        />
      )}
    </g>
  );
}

function Previous({
  buckets,
  frame,
  from,
  stepMs,
}: {
  buckets: readonly OutcomeBucket[];
  frame: Frame;
  from: number;
  stepMs: number;
}) {
  const path = buckets.map((bucket, index) => {
    const y = frame.y(total(bucket));
    return `${index === 0 ? "M" : "L"}${frame.x(from + index * stepMs)} ${y}H${frame.x(from + (index + 1) * stepMs)}`;
  });
  return <path className={styles.previous} d={path.join("")} />;
}

function Readout({ buckets, stepMs }: { buckets: readonly OutcomeBucket[]; stepMs: number }) {
  const words = useWords();
  const format = useFormat();
  const now = useNow();
  const at = useCrosshair();
  const bucket =
    at === null ? undefined : buckets.find((one) => Date.parse(one.start) <= at && at < Date.parse(one.start) + stepMs);
  const shown = (outcome: Outcome) => (bucket ? bucket[outcome] : buckets.reduce((sum, one) => sum + one[outcome], 0));
  return (
    <>
      <b>{bucket ? format.clock(bucket.start, now) : words.total}</b>
      {bucket && Date.parse(bucket.start) + stepMs > now && <span>{words.soFar}</span>}
      {[...OUTCOMES].reverse().map((outcome) => (
        <span key={outcome}>
          <span className={styles.swatch} data-fill={outcome} />
          {words[outcome]} <b>{format.count(shown(outcome))}</b>
        </span>
      ))}
    </>
  );
}
