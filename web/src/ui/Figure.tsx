/** One figure at a glance, and what it was before. It links to what is behind it. */
import { Link, type LinkProps } from "@tanstack/react-router";
import type { ReactNode } from "react";
import styles from "./ui.module.css";

export type Tone = "bad" | "warn" | "plain";

interface Props {
  label: string;
  value: ReactNode;
  note?: ReactNode;
  tone?: Tone;
  title?: string | undefined;
  to?: LinkProps;
  spark?: ReactNode;
  /** What a test finds the figure by. */
  id: string;
}

export function Figure({ label, value, note, tone = "plain", title, to, spark, id }: Props) {
  const content = (
    <>
      <span className={styles.figureLabel}>{label}</span>
      <span className={styles.figureValue} title={title} data-testid={`figure-${id}`}>
        {value}
      </span>
      <span className={tone === "plain" ? styles.figureNote : `${styles.figureNote} ${styles[tone]}`}>
        {note ?? " "}
      </span>
      {spark && <span className={styles.figureSpark}>{spark}</span>}
    </>
  );
  return to ? (
    <Link {...to} className={styles.figure}>
      {content}
    </Link>
  ) : (
    <div className={styles.figure}>{content}</div>
  );
}
