/** A strip per worker. Only the rows that are seen are drawn: five hundred scroll like ten. */
import { useWindowVirtualizer } from "@tanstack/react-virtual";
import { useLayoutEffect, useRef, useState } from "react";
import type { Utilization } from "../../api/answers";
import { useText } from "../../i18n";
import { useNow } from "../../live/now";
import { Strip } from "../../ui/charts/Strip";
import { toRuns } from "../../ui/links";
import { Name } from "../../ui/Name";
import { useFormat } from "../../ui/useFormat";
import { useNarrow } from "../../ui/useNarrow";
import { en } from "./messages.en";
import { zh } from "./messages.zh";
import type { Row } from "./rows";
import styles from "./workers.module.css";

const HEIGHT = 44;
const NARROW_HEIGHT = 72;
const SPARE = 8;

export function Strips({ rows, used }: { rows: readonly Row[]; used: Utilization }) {
  const format = useFormat();
  const now = useNow();
  const list = useRef<HTMLUListElement>(null);
  const [top, setTop] = useState(0);
  const height = useNarrow() ? NARROW_HEIGHT : HEIGHT;
  useLayoutEffect(() => setTop((list.current?.getBoundingClientRect().top ?? 0) + window.scrollY), []);
  const virtual = useWindowVirtualizer({
    count: rows.length,
    estimateSize: () => height,
    overscan: SPARE,
    scrollMargin: top,
  });
  return (
    <>
      <div className={styles.axis} aria-hidden="true">
        <span />
        <span>
          <span>{format.clock(used.from, now)}</span>
          <span>{format.clock(used.to, now)}</span>
        </span>
        <span />
      </div>
      <ul ref={list} className={styles.rows} style={{ height: virtual.getTotalSize() }} data-rows="">
        {virtual.getVirtualItems().map((item) => {
          const row = rows[item.index];
          return row ? (
            <Line key={`${row.service}/${row.name}`} row={row} top={item.start - top} height={height} />
          ) : null;
        })}
      </ul>
    </>
  );
}

function Line({ row, top, height }: { row: Row; top: number; height: number }) {
  const words = useText({ en, zh });
  const format = useFormat();
  const now = useNow();
  const rate = format.rate(row.utilization);
  const details = [
    row.now?.role ? (words.role[row.now.role] ?? row.now.role) : null,
    row.now?.concurrency ? words.slots(format.count(row.now.concurrency)) : null,
    row.now?.host,
  ].filter(Boolean);
  const state = {
    gone: words.goneSince(format.clock(row.now?.gone_since, now)),
    active: words.runningNow(format.count(row.now?.running)),
    idle: words.idle,
  }[row.standing];
  return (
    <li
      className={styles.row}
      data-row={row.name}
      data-standing={row.standing}
      style={{ position: "absolute", insetInline: 0, transform: `translateY(${top}px)`, height }}
    >
      <span className={styles.name}>
        <Name chars={22} to={toRuns({ worker: [row.name], service: [row.service] })}>
          {row.name}
        </Name>
        <span className={styles.sub} translate="no" data-name="">
          {details.join(" · ")}
        </span>
      </span>
      <Strip cells={row.cells} label={words.strip(row.name, rate)} />
      <span className={styles.figures}>
        <span>
          {words.busy(rate)} · <span className={row.standing === "gone" ? styles.gone : undefined}>{state}</span>
        </span>
        <span className={styles.sub}>
          {row.now && words.finished(format.count(row.now.finished))}
          {row.idleMs !== null && ` · ${words.idleFor(format.duration(row.idleMs))}`}
        </span>
      </span>
    </li>
  );
}
