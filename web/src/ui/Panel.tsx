import type { ReactNode } from "react";
import styles from "./ui.module.css";

/** A part of a page under a heading of its own. */
export function Panel({
  title,
  note,
  actions,
  children,
}: {
  title: string;
  note?: ReactNode;
  actions?: ReactNode;
  children: ReactNode;
}) {
  return (
    <section className={styles.panel} aria-label={title}>
      <div className={styles.panelHead}>
        <h2>{title}</h2>
        {note && <span className={styles.panelNote}>{note}</span>}
        {actions && <div className={styles.chips}>{actions}</div>}
      </div>
      {children}
    </section>
  );
}

/** The head of a page: its title, and one sentence that says how things stand. */
export function PageHead({ title, verdict, actions }: { title: ReactNode; verdict?: ReactNode; actions?: ReactNode }) {
  return (
    <header className={styles.pageHead}>
      <h1>{title}</h1>
      {verdict && (
        <p className={styles.verdict} data-testid="verdict">
          {verdict}
        </p>
      )}
      {actions && <div className={styles.pageActions}>{actions}</div>}
    </header>
  );
}

export function Page({ children }: { children: ReactNode }) {
  return <div className={styles.page}>{children}</div>;
}

/** Figures side by side. */
export function Figures({ children }: { children: ReactNode }) {
  return <div className={styles.figures}>{children}</div>;
}

export function Two({ children }: { children: ReactNode }) {
  return <div className={styles.two}>{children}</div>;
}
