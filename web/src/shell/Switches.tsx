import { useText } from "../i18n";
import { prefer, type Theme, usePreferences } from "../preferences";
import ui from "../ui/ui.module.css";
import { en } from "./messages.en";
import { zh } from "./messages.zh";

/** Go to the other language; the button speaks that one. */
export function LanguageSwitch() {
  const words = useText({ en, zh });
  const { language } = usePreferences();
  const other = language === "en" ? "zh" : "en";
  return (
    <button
      type="button"
      className={ui.button}
      lang={other === "zh" ? "zh-CN" : "en"}
      title={words.languageHint}
      translate="no"
      onClick={() => prefer({ language: other })}
      data-testid="language"
    >
      {language === "en" ? "中" : "EN"}
    </button>
  );
}

const NEXT: Record<Theme, Theme> = { system: "light", light: "dark", dark: "system" };
const GLYPHS: Record<Theme, string> = { system: "◐", light: "☀", dark: "☾" };

export function ThemeSwitch() {
  const words = useText({ en, zh });
  const { theme } = usePreferences();
  const label = `${words.theme}: ${words.themes[theme]}`;
  return (
    <button
      type="button"
      className={ui.button}
      title={label}
      aria-label={label}
      onClick={() => prefer({ theme: NEXT[theme] })}
      data-testid="theme"
    >
      <span aria-hidden="true">{GLYPHS[theme]}</span>
    </button>
  );
}
