import { type ReactNode, useState } from "react";
import { useWords } from "./text";
import styles from "./ui.module.css";

const SAID_MS = 1500;

/** A button that copies a text, and says that it did. */
export function Copy({ text, children }: { text: () => string; children: ReactNode }) {
  const words = useWords();
  const [done, setDone] = useState(false);
  const copy = async () => {
    await navigator.clipboard.writeText(text());
    setDone(true);
    setTimeout(() => setDone(false), SAID_MS);
  };
  // The clipboard is there on secure pages alone; a button that can't work is none.
  if (!navigator.clipboard) return null;
  return (
    <button type="button" className={styles.button} onClick={copy}>
      <span aria-live="polite">{done ? words.copied : children}</span>
    </button>
  );
}
