import { useText } from "../i18n";
import { useOfflineSince } from "../live/connection";
import { useNow } from "../live/now";
import { pause, usePaused } from "../live/refresh";
import { useLinkState } from "../live/stream";
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
  const link = useLinkState();
  const state = paused ? "paused" : offlineSince !== null ? "offline" : refreshS === 0 ? "polling" : link;
  const text = {
    paused: words.paused,
    live: words.live,
    offline: words.offline(format.clock(offlineSince, now)),
    polling: refreshS === 0 ? words.manual : words.polling(String(refreshS)),
  }[state];
  const hint = {
    paused: words.pausedHint,
    offline: words.offlineHint,
    live: words.liveHint,
    polling: words.pollingHint,
  }[state];
  const glyph = { paused: "‖", offline: "○", live: "●", polling: "◔" }[state];
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
