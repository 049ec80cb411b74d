import { useWords } from "../text";
import styles from "./charts.module.css";

/** What the colours of a ramp mean. */
export function Ramp({ kind, low, high }: { kind: "heat" | "load"; low: string; high: string }) {
  return (
    <span>
      {low}
      <span className={styles.ramp} aria-hidden="true">
        {Array.from({ length: 7 }, (_, index) => (
          <span key={index} style={{ background: `var(--${kind}-${index + 1})` }} />
        ))}
      </span>
      {high}
    </span>
  );
}

export function LoadLegend() {
  const words = useWords();
  return (
    <div className={styles.legend}>
      <Ramp kind="load" low="0 %" high="100 %" />
      <span>
        <span className={styles.ramp} aria-hidden="true">
          <span className={styles.hatch} />
        </span>
        {words.absent}
      </span>
    </div>
  );
}
