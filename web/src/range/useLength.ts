import { useText } from "../i18n";
import { useFormat } from "../ui/useFormat";
import { en } from "./messages.en";
import { zh } from "./messages.zh";
import type { Window } from "./window";

/** How long the range is, in words: "6 h". */
export function useLength(window: Window): string {
  const words = useText({ en, zh });
  const format = useFormat();
  return words.lengths[window.preset ?? ""] ?? format.length(window.to - window.from);
}
