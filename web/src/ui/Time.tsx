import { useNow } from "../live/now";
import { NONE } from "./format";
import styles from "./ui.module.css";
import { useFormat } from "./useFormat";

/** An instant: the time of day first, its age beside it; copies as RFC 3339. */
export function Time({ at, age = true }: { at: string | null | undefined; age?: boolean }) {
  const format = useFormat();
  const now = useNow();
  if (!at) return <span className={styles.muted}>{NONE}</span>;
  return (
    <time dateTime={at} title={`${format.full(at)} · ${format.zone}`}>
      {format.clock(at, now)}
      {age && <span className={styles.muted}> {format.ago(at, now)}</span>}
    </time>
  );
}
