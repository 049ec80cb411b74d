/** What time charts share: axes, crosshair, and a drag that chooses a range. */
import { type PointerEvent, type ReactNode, useEffect, useState } from "react";
import { useNow } from "../../live/now";
import { useChooseRange } from "../../range/useRange";
import { sides } from "../../range/window";
import { useFormat } from "../useFormat";
import styles from "./charts.module.css";
import { point, useCrosshair } from "./crosshair";
import { timeTicks } from "./scale";
import { useWidth } from "./useWidth";

export interface Frame {
  x: (time: number) => number;
  y: (value: number) => number;
  /** Where the plot itself lies inside of the drawing. */
  left: number;
  width: number;
  height: number;
}

interface Props {
  from: number;
  to: number;
  height: number;
  /** From 0 to the greatest. */
  ticks: readonly number[];
  write: (value: number) => string;
  label: string;
  children: (frame: Frame) => ReactNode;
  onPick?: (time: number) => void;
}

const LEFT = 52;
const BOTTOM = 20;
const TOP = 6;
const DAY_MS = 86_400_000;
const DRAG_PX = 5;

export function Plot({ from, to, height, ticks, write, label, children, onPick }: Props) {
  const [ref, width] = useWidth<HTMLDivElement>();
  const format = useFormat();
  const now = useNow();
  const most = ticks.at(-1) ?? 1;
  const inner = Math.max(1, width - LEFT);
  const frame: Frame = {
    left: LEFT,
    width: inner,
    height: height - BOTTOM - TOP,
    x: (time) => LEFT + ((time - from) / (to - from)) * inner,
    y: (value) => TOP + (1 - value / most) * (height - BOTTOM - TOP),
  };
  const drag = useDrag(frame, from, to, onPick);
  const base = frame.y(0);
  const days = to - from > 2 * DAY_MS;
  const offset = format.zone === "UTC" ? 0 : -new Date(now).getTimezoneOffset() * 60_000;
  return (
    <div ref={ref} style={{ minHeight: height }}>
      {width > 0 && (
        <svg
          className={`${styles.plot} ${styles.brush}`}
          width={width}
          height={height}
          role="img"
          aria-label={label}
          {...drag.handlers}
        >
          {ticks.map((value) => (
            <g key={value}>
              <line className={styles.grid} x1={LEFT} x2={width} y1={frame.y(value)} y2={frame.y(value)} />
              <text className={styles.axis} x={LEFT - 8} y={frame.y(value) + 4} textAnchor="end">
                {write(value)}
              </text>
            </g>
          ))}
          {timeTicks(from, to, Math.max(2, Math.floor(inner / 90)), offset).map((time) => (
            <text
              key={time}
              className={styles.axis}
              x={frame.x(time)}
              y={height - 4}
              textAnchor={frame.x(time) > width - 24 ? "end" : "middle"}
            >
              {days ? format.day(time) : format.hour(time)}
            </text>
          ))}
          {children(frame)}
          <Crosshair frame={frame} from={from} to={to} base={base} />
          {drag.picked && (
            <rect
              className={styles.picked}
              x={drag.picked[0]}
              y={TOP}
              width={drag.picked[1] - drag.picked[0]}
              height={base - TOP}
            />
          )}
        </svg>
      )}
    </div>
  );
}

function Crosshair({ frame, from, to, base }: { frame: Frame; from: number; to: number; base: number }) {
  const at = useCrosshair();
  if (at === null || at < from || at >= to) return null;
  return <line className={styles.cross} x1={frame.x(at)} x2={frame.x(at)} y1={TOP} y2={base} />;
}

/** A drag chooses a range, Esc gives it up; a press without a drag picks an instant. */
function useDrag(frame: Frame, from: number, to: number, onPick: ((time: number) => void) | undefined) {
  const choose = useChooseRange();
  const [drag, setDrag] = useState<[number, number] | null>(null);
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => event.key === "Escape" && setDrag(null);
    document.addEventListener("keydown", onKey);
    return () => document.removeEventListener("keydown", onKey);
  }, []);
  const place = (event: PointerEvent<SVGSVGElement>) => {
    const x = event.clientX - event.currentTarget.getBoundingClientRect().left;
    return Math.min(frame.left + frame.width, Math.max(frame.left, x));
  };
  const time = (x: number) => from + ((x - frame.left) / frame.width) * (to - from);
  return {
    picked: drag && Math.abs(drag[1] - drag[0]) > DRAG_PX ? ([Math.min(...drag), Math.max(...drag)] as const) : null,
    handlers: {
      onPointerDown: (event: PointerEvent<SVGSVGElement>) => {
        if (event.button !== 0) return;
        event.currentTarget.setPointerCapture(event.pointerId);
        setDrag([place(event), place(event)]);
      },
      onPointerMove: (event: PointerEvent<SVGSVGElement>) => {
        const x = place(event);
        point(time(x));
        if (drag) setDrag([drag[0], x]);
      },
      onPointerUp: () => {
        if (!drag) return;
        const [low, high] = [Math.min(...drag), Math.max(...drag)];
        setDrag(null);
        if (high - low > DRAG_PX) choose(sides(time(low), time(high)));
        else onPick?.(time(low));
      },
      onPointerLeave: () => point(null),
    },
  };
}
