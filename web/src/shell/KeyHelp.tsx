import { Dialog } from "@base-ui/react/dialog";
import { useText } from "../i18n";
import { prefer, usePreferences } from "../preferences";
import ui from "../ui/ui.module.css";
import { en } from "./messages.en";
import { zh } from "./messages.zh";
import { PAGES } from "./pages";
import styles from "./Shell.module.css";

/** Which keys there are, and a way to do without them. */
export function KeyHelp({ open, onOpenChange }: { open: boolean; onOpenChange: (open: boolean) => void }) {
  const words = useText({ en, zh });
  const { keys } = usePreferences();
  const rows: [string[], string][] = [
    [["?"], words.keys.help],
    [["j", "k"], words.keys.move],
    [["Enter"], words.keys.open],
    [["[", "]"], words.keys.shift],
    [["l"], words.keys.live],
    [["t"], words.keys.table],
  ];
  return (
    <Dialog.Root open={open} onOpenChange={onOpenChange}>
      <Dialog.Portal>
        <Dialog.Backdrop className={styles.backdrop} />
        <Dialog.Popup className={styles.dialog}>
          <Dialog.Title>{words.keysTitle}</Dialog.Title>
          <dl className={styles.keys}>
            {rows.map(([pressed, means]) => (
              <KeyRow key={means} pressed={pressed} means={means} />
            ))}
            {PAGES.map((page) => (
              <KeyRow key={page.id} pressed={["g", page.key]} means={words.pages[page.id]} />
            ))}
          </dl>
          <p>
            <label>
              <input type="checkbox" checked={keys} onChange={(event) => prefer({ keys: event.target.checked })} />{" "}
              {words.keysOff}
            </label>
          </p>
          <Dialog.Close className={ui.button}>{words.close}</Dialog.Close>
        </Dialog.Popup>
      </Dialog.Portal>
    </Dialog.Root>
  );
}

function KeyRow({ pressed, means }: { pressed: string[]; means: string }) {
  return (
    <>
      <dt>
        {pressed.map((one) => (
          <span key={one}>
            <kbd className={styles.key} translate="no">
              {one}
            </kbd>{" "}
          </span>
        ))}
      </dt>
      <dd>{means}</dd>
    </>
  );
}
