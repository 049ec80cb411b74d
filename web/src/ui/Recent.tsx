/** The newest finished runs as a row of marks, oldest first: what went wrong stands out. */
import styles from "./Recent.module.css";

const GLYPHS: Record<string, string> = { failed: "✕", timed_out: "◷", lost: "?", cancelled: "⊘" };

export function Recent({ runs, label }: { runs: readonly { outcome: string }[]; label: string }) {
  return (
    <span className={styles.marks} role="img" aria-label={label} title={label}>
      {runs.toReversed().map((run, index) => (
        <span key={index} className={styles.mark} data-outcome={run.outcome}>
          {GLYPHS[run.outcome] ?? ""}
        </span>
      ))}
    </span>
  );
}
