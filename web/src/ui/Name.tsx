/** A name that users gave: shown as text, isolated so that its direction turns nothing else round, cut where it is long. */
import { Link, type LinkProps } from "@tanstack/react-router";
import { NONE } from "./format";
import styles from "./ui.module.css";

export function Name({
  children,
  to,
  chars = 32,
  mono = false,
}: {
  children: string | null | undefined;
  to?: LinkProps;
  chars?: number;
  mono?: boolean;
}) {
  if (children == null) return <span className={styles.muted}>{NONE}</span>;
  const className = `${styles.name} ${styles.cut} ${mono ? styles.mono : ""}`;
  const inner = (
    <bdi className={className} style={{ maxWidth: `${chars}ch` }} title={children} translate="no" data-name="">
      {children}
    </bdi>
  );
  return to ? <Link {...to}>{inner}</Link> : inner;
}
