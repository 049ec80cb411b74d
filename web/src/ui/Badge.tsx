/** A state as glyph and word: colour never says anything alone. */
import type { Messages } from "./messages.en";
import { useWords } from "./text";
import styles from "./ui.module.css";

type Tone = "ok" | "bad" | "warn" | "lost" | "quiet" | "accent";
type Word = keyof { [K in keyof Messages as Messages[K] extends string ? K : never]: true };
interface Look {
  glyph: string;
  tone: Tone;
  word: Word;
  outline?: boolean;
}

const LOOKS: Record<string, Look> = {
  succeeded: { glyph: "✓", tone: "ok", word: "succeeded" },
  success: { glyph: "✓", tone: "ok", word: "succeeded" },
  COMPLETED: { glyph: "✓", tone: "ok", word: "completed" },
  failed: { glyph: "✕", tone: "bad", word: "failed" },
  FAILED: { glyph: "✕", tone: "bad", word: "failed" },
  timed_out: { glyph: "◷", tone: "warn", word: "timed_out" },
  timeout: { glyph: "◷", tone: "warn", word: "timed_out" },
  lost: { glyph: "?", tone: "lost", word: "lost" },
  cancelled: { glyph: "⊘", tone: "quiet", word: "cancelled" },
  PENDING: { glyph: "○", tone: "quiet", word: "pending", outline: true },
  PROCESSING: { glyph: "◐", tone: "accent", word: "processing" },
  RETRYING: { glyph: "↻", tone: "warn", word: "retrying", outline: true },
  healthy: { glyph: "✓", tone: "ok", word: "healthy" },
  degraded: { glyph: "▲", tone: "warn", word: "degraded" },
  unhealthy: { glyph: "✕", tone: "bad", word: "unhealthy" },
  no_data: { glyph: "—", tone: "quiet", word: "no_data" },
};

/** Show an outcome, a state or a health. An unknown one is shown as it is. */
export function Badge({ of, inferred = false }: { of: string; inferred?: boolean }) {
  const words = useWords();
  const look = LOOKS[of];
  if (!look) return <span className={styles.badge}>{of}</span>;
  return (
    <span
      className={styles.badge}
      data-tone={look.tone}
      data-outline={look.outline ?? false}
      data-inferred={inferred}
      title={inferred ? words.inferredWhy : undefined}
    >
      <span aria-hidden="true">{look.glyph}</span>
      <span>{inferred ? `${words[look.word]} · ${words.inferred}` : words[look.word]}</span>
    </span>
  );
}

/** What a run shows: its outcome, else the state of its task. */
export function RunBadge({ run }: { run: { outcome: string | null; state: string; inferred: boolean } }) {
  return <Badge of={run.outcome ?? run.state} inferred={run.inferred} />;
}
