import { useText } from "../i18n";
import { useOfflineSince } from "../live/connection";
import { useNow } from "../live/now";
import { pause, usePaused } from "../live/refresh";
import { usePreferences } from "../preferences";
import ui from "../ui/ui.module.css";
import { useFormat } from "../ui/useFormat";
import { en } from "./messages.en";
import { zh } from "./messages.zh";
import styles from "./Shell.module.css";

/** How fresh the page is: live, asked again every so often, paused, or cut off. Pressing it pauses and goes on. */
export function LiveState() {
  const words = useText({ en, zh });
  const format = useFormat();
  const now = useNow();
  const offlineSince = useOfflineSince();
  const paused = usePaused();
  const { refreshS } = usePreferences();
  const state = paused ? "paused" : offlineSince !== null ? "offline" : "polling";
  const text = {
    paused: words.paused,
    offline: words.offline(format.clock(offlineSince, now)),
    polling: refreshS === 0 ? words.manual : words.polling(String(refreshS)),
  }[state];
  const hint = { paused: words.pausedHint, offline: words.offlineHint, polling: words.pollingHint }[state];
  const glyph = { paused: "‖", offline: "○", polling: "◔" }[state];
  return (
    <button
      type="button"
      className={`${ui.button} ${styles.state}`}
      aria-pressed={paused}
      title={hint}
      onClick={() => pause(!paused)}
      data-testid="live-state"
      data-state={state}
    >
      <span className={styles.dot} data-state={state} aria-hidden="true">
        {glyph}
      </span>
      <span>{text}</span>
    </button>
  );
}
