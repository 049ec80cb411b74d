/** A name that users gave: shown as text, isolated so that its direction turns nothing else round, cut where it is long. */
import { Link, type LinkProps } from "@tanstack/react-router";
import type { CSSProperties } from "react";
import { NONE } from "./format";
import styles from "./ui.module.css";

interface Props {
  children: string | null | undefined;
  to?: LinkProps;
  /** How wide it may become. */
  chars?: number;
  mono?: boolean;
  /** Not a name after all, but words of ours in its place. */
  words?: boolean;
}

export function Name({ children, to, chars = 32, mono = false, words = false }: Props) {
  if (children == null) return <span className={styles.muted}>{NONE}</span>;
  const look = {
    className: `${styles.name} ${styles.cut} ${mono ? styles.mono : ""}`,
    style: { "--chars": chars } as CSSProperties,
    title: children,
    // Nobody translates a name, and tests that look for words of ours leave it out.
    ...(!words && { translate: "no" as const, "data-name": "" }),
  };
  const inner = <bdi {...look}>{children}</bdi>;
  return to ? <Link {...to}>{inner}</Link> : inner;
}
