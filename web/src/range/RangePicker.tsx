import { Popover } from "@base-ui/react/popover";
import { type FormEvent, useState } from "react";
import { useText } from "../i18n";
import { useNow } from "../live/now";
import { prefer, usePreferences, type Zone } from "../preferences";
import ui from "../ui/ui.module.css";
import { useFormat } from "../ui/useFormat";
import { en } from "./messages.en";
import { zh } from "./messages.zh";
import styles from "./RangePicker.module.css";
import { useChooseRange, useRange } from "./useRange";
import { PRESETS, sides, type Window } from "./window";

/** Choose what the page looks at: a preset, or two sides. */
export function RangePicker() {
  const words = useText({ en, zh });
  const format = useFormat();
  const window = useRange();
  const now = useNow();
  const choose = useChooseRange();
  const [open, setOpen] = useState(false);
  const label = window.preset
    ? words.presets[window.preset]
    : `${format.clock(window.from, now)} – ${format.clock(window.to, now)}`;
  const pick = (range: Parameters<typeof choose>[0]) => {
    choose(range);
    setOpen(false);
  };
  return (
    <Popover.Root open={open} onOpenChange={setOpen}>
      <Popover.Trigger className={ui.button} aria-label={`${words.range}: ${label}`} data-testid="range">
        <span>{label}</span> <span aria-hidden="true">▾</span>
      </Popover.Trigger>
      <Popover.Portal>
        <Popover.Positioner className={ui.positioner} sideOffset={4} align="end" collisionPadding={8}>
          <Popover.Popup className={ui.popup} aria-label={words.range}>
            <div className={styles.presets}>
              {PRESETS.map((preset) => (
                <button
                  key={preset}
                  type="button"
                  className={ui.button}
                  aria-pressed={window.preset === preset}
                  onClick={() => pick({ range: preset })}
                >
                  {words.presets[preset]}
                </button>
              ))}
            </div>
            <OwnRange window={window} onPick={(from, to) => pick(sides(from, to))} />
            <ZoneChoice />
          </Popover.Popup>
        </Popover.Positioner>
      </Popover.Portal>
    </Popover.Root>
  );
}

function OwnRange({ window, onPick }: { window: Window; onPick: (from: number, to: number) => void }) {
  const words = useText({ en, zh });
  const utc = usePreferences().zone === "utc";
  const [from, setFrom] = useState(() => written(window.from, utc));
  const [to, setTo] = useState(() => written(window.to, utc));
  const [wrong, setWrong] = useState(false);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const low = Date.parse(utc ? `${from}Z` : from);
    const high = Date.parse(utc ? `${to}Z` : to);
    setWrong(!(low < high));
    if (low < high) onPick(low, high);
  };
  return (
    <form className={styles.own} onSubmit={submit} aria-label={words.custom}>
      <label>
        {words.from}
        <input
          className={ui.field}
          type="datetime-local"
          required
          value={from}
          onChange={(event) => setFrom(event.target.value)}
        />
      </label>
      <label>
        {words.to}
        <input
          className={ui.field}
          type="datetime-local"
          required
          value={to}
          onChange={(event) => setTo(event.target.value)}
        />
      </label>
      {wrong && <p role="alert">{words.invalid}</p>}
      <button type="submit" className={ui.button}>
        {words.apply}
      </button>
    </form>
  );
}

function ZoneChoice() {
  const words = useText({ en, zh });
  const { zone } = usePreferences();
  return (
    <label className={styles.zone}>
      {words.zone}
      <select className={ui.field} value={zone} onChange={(event) => prefer({ zone: event.target.value as Zone })}>
        {(["local", "utc"] as const).map((one) => (
          <option key={one} value={one}>
            {words.zones[one]}
          </option>
        ))}
      </select>
    </label>
  );
}

/** As an input for dates wants it, in the zone of the page. */
function written(time: number, utc: boolean): string {
  const offset = utc ? 0 : new Date(time).getTimezoneOffset() * 60_000;
  return new Date(time - offset).toISOString().slice(0, 16);
}
