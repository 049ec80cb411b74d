import type { Failure } from "../../api/answers";
import type { Messages } from "../../ui/messages.en";

const INFERRED = { timed_out: "timed_out", lost: "lost" } as const;

/** What a group of failures is called: its error, or how its runs ended where no error was said. */
export function titleOf(group: Failure, words: Messages): { type: string; message: string | null; said: boolean } {
  const error = group.example?.error;
  const type = error?.type ?? error?.message;
  if (type) return { type, message: error?.type ? (error.message ?? null) : null, said: true };
  const ended = INFERRED[group.example?.outcome as keyof typeof INFERRED];
  return { type: ended ? words[ended] : group.fingerprint, message: null, said: !ended };
}
