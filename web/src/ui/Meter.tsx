import styles from "./ui.module.css";
import { useFormat } from "./useFormat";

/** A success rate as a bar and a figure: what failed is what is coloured. */
export function SuccessBar({ rate, label }: { rate: number | null; label: string }) {
  const format = useFormat();
  return (
    <span className={styles.meter}>
      <svg
        className={styles.meterBar}
        viewBox="0 0 100 8"
        preserveAspectRatio="none"
        role="img"
        aria-label={`${label}: ${format.rate(rate)}`}
      >
        {rate !== null && (
          <>
            <rect x={0} y={0} width={rate * 100} height={8} style={{ fill: "var(--ok-fill)" }} />
            <rect x={rate * 100} y={0} width={(1 - rate) * 100} height={8} style={{ fill: "var(--bad-fill)" }} />
          </>
        )}
      </svg>
      <span>{format.rate(rate)}</span>
    </span>
  );
}

/** How much of a limit is used. */
export function UseBar({ share, text }: { share: number; text: string }) {
  return (
    <span className={styles.meter}>
      <svg className={styles.meterBar} viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">
        <rect
          x={0}
          y={0}
          width={Math.min(1, share) * 100}
          height={8}
          style={{ fill: share >= 1 ? "var(--warn-fill)" : "var(--ok-fill)" }}
        />
      </svg>
      <span>{text}</span>
    </span>
  );
}
