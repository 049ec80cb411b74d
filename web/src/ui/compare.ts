/** Comparison with the period before, in words: coloured only where it became worse. */
import type { Tone } from "./Figure";
import type { Format } from "./format";
import type { Messages } from "./messages.en";

export interface Compared {
  text: string;
  tone: Tone;
}

/** Compare counts; `worse` says in which direction it is bad, 0 if in none. */
export function compareCounts(
  now: number,
  then: number,
  length: string,
  worse: -1 | 0 | 1,
  format: Format,
  words: Messages,
): Compared {
  if (then === 0) return { text: words.noPrevious, tone: "plain" };
  const change = (now - then) / then;
  if (Math.abs(change) < 0.005) return { text: words.same(length), tone: "plain" };
  return { text: words.versus(format.change(change), length), tone: change * worse > 0.1 ? "bad" : "plain" };
}

/** Compare rates, in percentage points; less is worse. */
export function compareRates(
  now: number | null,
  then: number | null,
  length: string,
  format: Format,
  words: Messages,
): Compared {
  if (now === null || then === null) return { text: words.noPrevious, tone: "plain" };
  const change = now - then;
  if (Math.abs(change) < 0.0005) return { text: words.same(length), tone: "plain" };
  return { text: words.versusPoints(format.points(change)), tone: change < -0.01 ? "bad" : "plain" };
}
