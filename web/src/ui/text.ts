import { useText } from "../i18n";
import { en } from "./messages.en";
import { zh } from "./messages.zh";

/** The words that all pages share. */
export const useWords = () => useText({ en, zh });
