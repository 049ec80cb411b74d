/** What a question looks like before, while and after it is answered. What was answered once stays, and says its age. */
import type { UseQueryResult } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { ProblemError, UnreachableError } from "../api/client";
import { useNow } from "../live/now";
import { useWords } from "./text";
import styles from "./ui.module.css";
import { useFormat } from "./useFormat";

interface Props<T> {
  query: UseQueryResult<T>;
  /** How high the answer will be, so that nothing jumps when it comes. */
  height: number;
  children: (data: T) => ReactNode;
}

export function Answer<T>({ query, height, children }: Props<T>) {
  const words = useWords();
  if (query.data === undefined && query.isError) {
    return <Failed error={query.error} retry={() => query.refetch()} />;
  }
  if (query.data === undefined) {
    return (
      <div className={styles.skeleton} style={{ height }} role="status" data-loading="">
        <span className="visually-hidden">{words.loading}</span>
      </div>
    );
  }
  return (
    <>
      {query.isError && <Stale query={query} />}
      {children(query.data)}
    </>
  );
}

function Stale<T>({ query }: { query: UseQueryResult<T> }) {
  const words = useWords();
  const format = useFormat();
  const now = useNow();
  return (
    <p className={styles.note} data-tone="warn" role="status">
      <span>
        {reason(query.error, words.unreachable)} {words.stale(format.duration(Math.max(0, now - query.dataUpdatedAt)))}
      </span>
      <button type="button" className={styles.button} onClick={() => query.refetch()}>
        {words.retry}
      </button>
    </p>
  );
}

export function Failed({ error, retry }: { error: unknown; retry?: () => void }) {
  const words = useWords();
  return (
    <div className={styles.note} data-tone="bad" role="alert">
      <span>
        {words.failedTo} {reason(error, words.unreachable)}
      </span>
      {retry && (
        <button type="button" className={styles.button} onClick={retry}>
          {words.retry}
        </button>
      )}
    </div>
  );
}

/** The server's own words where it gave some. */
function reason(error: unknown, unreachable: string): ReactNode {
  if (error instanceof UnreachableError) return unreachable;
  return error instanceof ProblemError ? <span translate="no">{error.message}</span> : String(error);
}

/** Why nothing is shown, and what to do about it. */
export function Empty({ children, action }: { children: ReactNode; action?: ReactNode }) {
  return (
    <div className={styles.empty}>
      <p>{children}</p>
      {action && <p>{action}</p>}
    </div>
  );
}
