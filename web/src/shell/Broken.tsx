import type { ErrorComponentProps } from "@tanstack/react-router";
import { useText } from "../i18n";
import { Page, PageHead } from "../ui/Panel";
import ui from "../ui/ui.module.css";
import { en } from "./messages.en";
import { zh } from "./messages.zh";

/** What stands where a page failed: what it was, and a way on. */
export function Broken({ error }: ErrorComponentProps) {
  const words = useText({ en, zh });
  return (
    <Page>
      <PageHead title={words.brokenTitle} verdict={words.brokenText} />
      <pre className={ui.code} translate="no">
        {error instanceof Error ? error.message : String(error)}
      </pre>
      <p>
        <button type="button" className={ui.button} onClick={() => location.reload()}>
          {words.reload}
        </button>
      </p>
    </Page>
  );
}
