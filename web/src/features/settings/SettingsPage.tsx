import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import type { Who } from "../../api/answers";
import { answer, api } from "../../api/client";
import { session } from "../../api/questions";
import { useText } from "../../i18n";
import { type Language, prefer, type Theme, usePreferences, type Zone } from "../../preferences";
import { Answer } from "../../ui/Answer";
import { Fact, Facts } from "../../ui/Facts";
import { Name } from "../../ui/Name";
import { Page, PageHead, Panel } from "../../ui/Panel";
import { Time } from "../../ui/Time";
import ui from "../../ui/ui.module.css";
import { Audit } from "./Audit";
import { en } from "./messages.en";
import { zh } from "./messages.zh";
import styles from "./settings.module.css";
import { Tokens } from "./Tokens";

export function SettingsPage() {
  const words = useText({ en, zh });
  const who = useQuery(session);
  const admin = who.data?.scopes.includes("admin") ?? false;
  return (
    <Page>
      <PageHead title={words.title} />
      <Appearance />
      <Panel title={words.session}>
        <Answer query={who} height={64}>
          {(data) => <You who={data} />}
        </Answer>
      </Panel>
      {admin ? (
        <>
          <Tokens />
          <Audit />
        </>
      ) : (
        <Panel title={words.tokens} note={words.tokensNote}>
          <p className={ui.muted}>{words.tokensClosed}</p>
        </Panel>
      )}
    </Page>
  );
}

function Appearance() {
  const words = useText({ en, zh });
  const { language, theme, zone, refreshS, keys } = usePreferences();
  return (
    <Panel title={words.appearance} note={words.appearanceNote}>
      <div className={styles.form}>
        <Choice
          label={words.language}
          value={language}
          onChange={(value) => prefer({ language: value as Language })}
          translate={false}
          options={{ en: "English", zh: "中文" }}
        />
        <Choice
          label={words.theme}
          value={theme}
          onChange={(value) => prefer({ theme: value as Theme })}
          options={words.themes}
        />
        <Choice
          label={words.zone}
          value={zone}
          onChange={(value) => prefer({ zone: value as Zone })}
          options={words.zones}
        />
        <Choice
          label={words.refresh}
          note={words.refreshNote}
          value={String(refreshS)}
          onChange={(value) => prefer({ refreshS: Number(value) })}
          options={words.paces}
        />
        <label>
          <span>{words.keys}</span>
          <input
            type="checkbox"
            className={styles.check}
            checked={keys}
            onChange={(event) => prefer({ keys: event.target.checked })}
          />
        </label>
      </div>
    </Panel>
  );
}

interface ChoiceProps {
  label: string;
  note?: string;
  value: string;
  options: Record<string, string>;
  onChange: (value: string) => void;
  translate?: boolean;
}

function Choice({ label, note, value, options, onChange, translate = true }: ChoiceProps) {
  return (
    <label>
      <span>
        {label} {note && <span className={ui.muted}>{note}</span>}
      </span>
      <select
        className={ui.field}
        value={value}
        onChange={(event) => onChange(event.target.value)}
        translate={translate ? "yes" : "no"}
      >
        {Object.entries(options)
          .toSorted(([a], [b]) => (Number(a) || 0) - (Number(b) || 0))
          .map(([key, text]) => (
            <option key={key} value={key}>
              {text}
            </option>
          ))}
      </select>
    </label>
  );
}

function You({ who }: { who: Who }) {
  const words = useText({ en, zh });
  const client = useQueryClient();
  const navigate = useNavigate();
  const leave = useMutation({
    mutationFn: () => answer(api.DELETE("/api/v1/session")),
    onSuccess: async () => {
      client.clear();
      await navigate({ to: "/sign-in" });
    },
  });
  return (
    <>
      {who.via === "loopback" && <p className={ui.soft}>{words.nobody}</p>}
      <Facts>
        <Fact label={words.name}>
          <Name>{who.name || null}</Name>
        </Fact>
        <Fact label={words.scopes}>{who.scopes.map((scope) => words.scopeNames[scope] ?? scope).join(" · ")}</Fact>
        <Fact label={words.services}>
          {who.services === null ? words.allServices : <Name>{who.services.join(", ")}</Name>}
        </Fact>
        {who.expires_at && (
          <Fact label={words.until}>
            <Time at={who.expires_at} age={false} />
          </Fact>
        )}
      </Facts>
      <p className={styles.actions}>
        {who.via === "session" ? (
          <button type="button" className={ui.button} onClick={() => leave.mutate()}>
            {words.signOut}
          </button>
        ) : (
          <Link to="/sign-in" search={{ next: "/settings" }} className={ui.button}>
            {words.signIn}
          </Link>
        )}
      </p>
    </>
  );
}
