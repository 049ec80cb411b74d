/**
 * Texts: each feature has `messages.en.ts` and `messages.zh.ts`, an object of sentences or of functions that make one.
 *
 * The type of the Chinese one is that of the English one, so a text that is missing does not compile.
 */
import { type Language, usePreferences } from "./preferences";

export type Catalogue<T> = Record<Language, T>;

export function useText<T>(catalogue: Catalogue<T>): T {
  return catalogue[usePreferences().language];
}
