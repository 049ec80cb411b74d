import { useQueryClient } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { type FormEvent, useEffect, useRef, useState } from "react";
import { answer, api } from "../../api/client";
import { useText } from "../../i18n";
import { Page, PageHead } from "../../ui/Panel";
import ui from "../../ui/ui.module.css";
import { inside } from "./inside";
import { en } from "./messages.en";
import { zh } from "./messages.zh";
import styles from "./signin.module.css";

type Proof = { token: string } | { code: string };

/** A token against a cookie; the link of the first start does the same without typing. */
export function SignInPage() {
  const words = useText({ en, zh });
  const { enter, busy, refused } = useEntrance();
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const token = String(new FormData(event.currentTarget).get("token") ?? "").trim();
    if (token !== "") void enter({ token });
  };
  return (
    <Page>
      <PageHead title={words.title} verdict={words.text} />
      <section className={`${ui.panel} ${styles.door}`} aria-label={words.title}>
        <form className={styles.form} onSubmit={submit}>
          <label htmlFor="token">{words.token}</label>
          <input
            id="token"
            name="token"
            type="password"
            className={ui.field}
            autoComplete="current-password"
            required
          />
          <button type="submit" className={ui.button} data-kind="primary" disabled={busy}>
            {busy ? words.busy : words.do}
          </button>
          {refused && (
            <p className={ui.note} data-tone="bad" role="alert">
              {refused === "code" ? words.link : words.wrong}
            </p>
          )}
        </form>
        <h2>{words.how}</h2>
        <p className={ui.soft}>{words.howText}</p>
        <pre className={ui.code} translate="no">
          taskscope token create --name me --scopes read
        </pre>
        <p className={ui.soft}>{words.admin}</p>
        <pre className={ui.code} translate="no">
          ~/.taskscope/admin.token
        </pre>
      </section>
    </Page>
  );
}

function useEntrance() {
  const { next } = useSearch({ from: "/sign-in" });
  const navigate = useNavigate();
  const client = useQueryClient();
  const [busy, setBusy] = useState(false);
  const [refused, setRefused] = useState<"token" | "code" | null>(null);
  const tried = useRef(false);

  const enter = async (proof: Proof) => {
    setBusy(true);
    try {
      await answer(api.POST("/api/v1/session", { body: proof }));
      client.clear();
      await navigate({ href: inside(next), replace: true });
    } catch {
      setRefused("code" in proof ? "code" : "token");
    } finally {
      setBusy(false);
    }
  };

  // biome-ignore lint/correctness/useExhaustiveDependencies: a link is good once, so it is tried once
  useEffect(() => {
    const code = new URLSearchParams(location.hash.slice(1)).get("code");
    if (code === null || tried.current) return;
    tried.current = true;
    // A code in the address must not stay in the history.
    history.replaceState(history.state, "", location.pathname + location.search);
    void enter({ code });
  }, []);
  return { enter, busy, refused };
}
