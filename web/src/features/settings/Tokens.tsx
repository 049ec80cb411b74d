import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import type { Token } from "../../api/answers";
import { answer, api } from "../../api/client";
import { tokens } from "../../api/questions";
import { useText } from "../../i18n";
import { Answer, Empty, Failed } from "../../ui/Answer";
import { Confirm } from "../../ui/Confirm";
import { Copy } from "../../ui/Copy";
import { Name } from "../../ui/Name";
import { Panel } from "../../ui/Panel";
import { CardLine, type Column, Table } from "../../ui/Table";
import { Time } from "../../ui/Time";
import { useWords } from "../../ui/text";
import ui from "../../ui/ui.module.css";
import { en } from "./messages.en";
import { zh } from "./messages.zh";
import styles from "./settings.module.css";

const SCOPES = ["read", "ingest", "agent", "operate", "admin"] as const;
const DAY_MS = 86_400_000;

/** Who may ask: the tokens there are, one more, one less. */
export function Tokens() {
  const words = useText({ en, zh });
  const query = useQuery(tokens);
  const client = useQueryClient();
  const [revoking, setRevoking] = useState<string | null>(null);
  const revoke = useMutation({
    mutationFn: (name: string) => answer(api.DELETE("/api/v1/tokens/{name}", { params: { path: { name } } })),
    onSettled: () => {
      setRevoking(null);
      void client.invalidateQueries({ queryKey: ["tokens"] });
      void client.invalidateQueries({ queryKey: ["audit"] });
    },
  });
  return (
    <Panel title={words.tokens} note={words.tokensNote}>
      <Answer query={query} height={160}>
        {(answer) =>
          answer.items.length === 0 ? (
            <Empty>{words.noTokens}</Empty>
          ) : (
            <TokenTable tokens={answer.items} onRevoke={setRevoking} />
          )
        }
      </Answer>
      {revoke.isError && <Failed error={revoke.error} />}
      <MakeToken />
      <Confirm
        open={revoking !== null}
        title={words.revokeTitle(revoking ?? "")}
        confirm={words.revokeDo(revoking ?? "")}
        cancel={words.cancel}
        onConfirm={() => revoking !== null && revoke.mutate(revoking)}
        onClose={() => setRevoking(null)}
      >
        {words.revokeText}
      </Confirm>
    </Panel>
  );
}

function TokenTable({ tokens, onRevoke }: { tokens: readonly Token[]; onRevoke: (name: string) => void }) {
  const words = useText({ en, zh });
  const revoke = (token: Token) =>
    token.state === "active" && (
      <button type="button" className={ui.button} onClick={() => onRevoke(token.name)}>
        {words.revoke}
      </button>
    );
  const columns: Column<Token>[] = [
    { key: "name", head: words.name, cell: (token) => <Name>{token.name}</Name> },
    { key: "state", head: words.state, cell: (token) => words.states[token.state] ?? token.state },
    { key: "scopes", head: words.scopes, cell: (token) => <Name mono>{token.scopes.join(", ")}</Name> },
    {
      key: "services",
      head: words.services,
      drop: 1,
      cell: (token) => (token.services === null ? words.allServices : <Name>{token.services.join(", ")}</Name>),
    },
    {
      key: "used",
      head: words.lastUsed,
      cell: (token) => (token.last_used_at ? <Time at={token.last_used_at} /> : words.never),
    },
    {
      key: "expires",
      head: words.expires,
      drop: 2,
      cell: (token) => (token.expires_at ? <Time at={token.expires_at} age={false} /> : words.never),
    },
    { key: "revoke", head: words.actions, quietHead: true, align: "end", cell: revoke },
  ];
  return (
    <Table
      caption={words.tokens}
      rows={tokens}
      id={(token) => token.name}
      columns={columns}
      card={(token) => (
        <>
          <CardLine>
            <Name>{token.name}</Name>
            <span>{words.states[token.state]}</span>
          </CardLine>
          <CardLine>
            <Name mono>{token.scopes.join(", ")}</Name>
            {revoke(token)}
          </CardLine>
        </>
      )}
    />
  );
}

function MakeToken() {
  const words = useText({ en, zh });
  const shared = useWords();
  const client = useQueryClient();
  const make = useMutation({
    mutationFn: (body: { name: string; scopes: string[]; services: string[] | null; expires_at: string | null }) =>
      answer(api.POST("/api/v1/tokens", { body })),
    onSuccess: () => {
      void client.invalidateQueries({ queryKey: ["tokens"] });
      void client.invalidateQueries({ queryKey: ["audit"] });
    },
  });
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = event.currentTarget;
    const data = new FormData(form);
    const services = String(data.get("services") ?? "")
      .split(",")
      .map((one) => one.trim())
      .filter(Boolean);
    const days = Number(data.get("days") || 0);
    make.mutate(
      {
        name: String(data.get("name") ?? ""),
        scopes: data.getAll("scope").map(String),
        services: services.length > 0 ? services : null,
        expires_at: days > 0 ? new Date(Date.now() + days * DAY_MS).toISOString() : null,
      },
      { onSuccess: () => form.reset() },
    );
  };
  return (
    <details className={styles.make}>
      <summary>{words.make}</summary>
      <form className={styles.form} onSubmit={submit} data-testid="make-token">
        <label>
          <span>{words.makeName}</span>
          <input className={ui.field} name="name" required pattern="[A-Za-z0-9][A-Za-z0-9._@\-]{0,99}" />
        </label>
        <fieldset className={styles.scopes}>
          <legend>{words.scopes}</legend>
          {SCOPES.map((scope) => (
            <label key={scope}>
              <input type="checkbox" name="scope" value={scope} defaultChecked={scope === "read"} />
              <code translate="no">{scope}</code> {words.scopeNames[scope]}
            </label>
          ))}
        </fieldset>
        <label>
          <span>{words.makeServices}</span>
          <input className={ui.field} name="services" />
        </label>
        <label>
          <span>{words.makeDays}</span>
          <input className={ui.field} name="days" type="number" min="1" max="36500" />
        </label>
        <p>
          <button type="submit" className={ui.button} data-kind="primary" disabled={make.isPending}>
            {words.makeDo}
          </button>
        </p>
      </form>
      {make.isError && <Failed error={make.error} />}
      {make.data && (
        <div className={ui.note} data-tone="warn" role="status">
          <span>{words.made}</span>
          <span className={styles.made}>
            <code translate="no" data-testid="made-token">
              {make.data.token}
            </code>
            <Copy text={() => make.data.token}>{shared.copy}</Copy>
          </span>
        </div>
      )}
    </details>
  );
}
