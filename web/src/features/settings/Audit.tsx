import { useInfiniteQuery } from "@tanstack/react-query";
import type { Action } from "../../api/answers";
import { audit } from "../../api/questions";
import { useText } from "../../i18n";
import { Answer, Empty } from "../../ui/Answer";
import { NONE } from "../../ui/format";
import { Name } from "../../ui/Name";
import { Panel } from "../../ui/Panel";
import { CardLine, type Column, Table } from "../../ui/Table";
import { Time } from "../../ui/Time";
import ui from "../../ui/ui.module.css";
import { en } from "./messages.en";
import { zh } from "./messages.zh";

/** Who did what, the newest first; nothing of it can be changed. */
export function Audit() {
  const words = useText({ en, zh });
  const query = useInfiniteQuery(audit);
  const columns: Column<Action>[] = [
    { key: "time", head: words.time, cell: (action) => <Time at={action.time} age={false} /> },
    { key: "who", head: words.who, cell: (action) => <Name>{action.who}</Name> },
    {
      key: "what",
      head: words.what,
      cell: (action) => (
        <Name mono chars={48}>
          {action.what}
        </Name>
      ),
    },
    { key: "status", head: words.status, align: "end", cell: (action) => action.status ?? NONE },
    { key: "from", head: words.from, drop: 1, cell: (action) => <Name mono>{action.from}</Name> },
  ];
  return (
    <Panel title={words.audit} note={words.auditNote}>
      <Answer query={query} height={160}>
        {(data) => {
          const found = data.pages.flatMap((page) => page.items);
          if (found.length === 0) return <Empty>{words.noAudit}</Empty>;
          return (
            <Table
              caption={words.audit}
              rows={found}
              id={(action) => String(action.number)}
              columns={columns}
              card={(action) => (
                <>
                  <CardLine>
                    <Name>{action.who}</Name>
                    <Time at={action.time} age={false} />
                  </CardLine>
                  <CardLine>
                    <Name mono chars={40}>
                      {action.what}
                    </Name>
                  </CardLine>
                </>
              )}
            />
          );
        }}
      </Answer>
      {query.hasNextPage && (
        <p className={ui.empty}>
          <button type="button" className={ui.button} onClick={() => query.fetchNextPage()}>
            {words.more}
          </button>
        </p>
      )}
    </Panel>
  );
}
