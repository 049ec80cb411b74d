/** A glance at a trend: no axis, the same height for the same value down a column when `most` is given. */
import styles from "./charts.module.css";

const WIDTH = 96;
const HEIGHT = 24;

/** Bars of counts; what went wrong in colour on the ground line. */
export function SparkBars({
  values,
  bad,
  most,
  label,
}: {
  values: readonly number[];
  bad?: readonly number[];
  most?: number;
  label: string;
}) {
  const top = Math.max(1, most ?? Math.max(...values));
  const step = WIDTH / Math.max(1, values.length, bad?.length ?? 0);
  const height = (value: number) => (value > 0 ? Math.max(1.5, (value / top) * HEIGHT) : 0);
  return (
    <svg className={styles.spark} width={WIDTH} height={HEIGHT} role="img" aria-label={label}>
      {values.map((value, index) => (
        <rect
          key={index}
          className={styles.sparkBars}
          x={index * step}
          y={HEIGHT - height(value)}
          width={Math.max(0.5, step - 0.75)}
          height={height(value)}
        />
      ))}
      {bad?.map((value, index) => (
        <rect
          key={index}
          className={styles.sparkBad}
          x={index * step}
          y={HEIGHT - height(value)}
          width={Math.max(0.5, step - 0.75)}
          height={height(value)}
        />
      ))}
      <line className={styles.grid} x1={0} x2={WIDTH} y1={HEIGHT} y2={HEIGHT} />
    </svg>
  );
}
