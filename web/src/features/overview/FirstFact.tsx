/** An installation without a fact: how to send the first one. The page asks by itself, so it shows it arrive. */
import { useState } from "react";
import { useText } from "../../i18n";
import { Copy } from "../../ui/Copy";
import { Panel } from "../../ui/Panel";
import { useWords } from "../../ui/text";
import ui from "../../ui/ui.module.css";
import { en } from "./messages.en";
import { zh } from "./messages.zh";
import styles from "./overview.module.css";

const origin = location.origin;
const SNIPPETS = {
  Python: `pip install taskscope
export TASKSCOPE_URL=${origin}

import taskscope

scope = taskscope.connect(service="shop")

@scope.task(job="make_invoice", queue="billing", timeout=600)
def make_invoice(order_id):
    ...

make_invoice(1)`,
  HTTP: `curl -X POST ${origin}/api/v1/events -H 'Content-Type: application/json' \\
  -d '{"type": "task.succeeded", "time": "'$(date -u +%FT%TZ)'", "task": "t-1",
       "job": "make_invoice", "queue": "billing", "worker": "w-1", "duration_ms": 850}'`,
};
type Kind = keyof typeof SNIPPETS;

export function FirstFact({ show }: { show: boolean }) {
  const words = useText({ en, zh });
  const shared = useWords();
  const [kind, setKind] = useState<Kind>("Python");
  if (!show) return null;
  return (
    <Panel title={words.firstTitle}>
      <div className={styles.first} data-testid="first-fact">
        <p>{words.firstText}</p>
        <div className={ui.chips}>
          {(Object.keys(SNIPPETS) as Kind[]).map((one) => (
            <button
              key={one}
              type="button"
              className={ui.button}
              aria-pressed={kind === one}
              onClick={() => setKind(one)}
              translate="no"
            >
              {one}
            </button>
          ))}
          <Copy text={() => SNIPPETS[kind]}>{shared.copy}</Copy>
        </div>
        <pre className={ui.code} translate="no">
          {SNIPPETS[kind]}
        </pre>
        <p className={ui.muted} role="status">
          {words.waitingForFacts}
        </p>
      </div>
    </Panel>
  );
}
