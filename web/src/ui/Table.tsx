/** A table of rows on wide screens, a list of cards on narrow ones; j and k move through it, Enter opens. */
import { type ReactNode, useState } from "react";
import { useWords } from "./text";
import styles from "./ui.module.css";
import { useNarrow } from "./useNarrow";

export interface Column<Row> {
  key: string;
  head: string;
  cell: (row: Row) => ReactNode;
  align?: "end";
  wide?: boolean;
  /** Left out where the table is narrow: 1 goes last, 3 first. */
  drop?: 1 | 2 | 3;
  /** Shown by screen readers alone, as for a column of buttons. */
  quietHead?: boolean;
}

export interface Sorting {
  by: string;
  descending: boolean;
  /** Which columns may be sorted by. */
  keys: readonly string[];
  choose: (by: string) => void;
}

interface Props<Row> {
  caption: string;
  rows: readonly Row[];
  id: (row: Row) => string;
  columns: readonly Column<Row>[];
  card: (row: Row) => ReactNode;
  sorting?: Sorting;
}

export function Table<Row>({ caption, rows, id, columns, card, sorting }: Props<Row>) {
  const narrow = useNarrow();
  const [at, setAt] = useState<string | null>(null);
  if (narrow) {
    return (
      <ul className={styles.cards} aria-label={caption} data-rows="">
        {rows.map((row) => (
          <li key={id(row)} data-row={id(row)}>
            {card(row)}
          </li>
        ))}
      </ul>
    );
  }
  return (
    <div className={styles.tableWrap} tabIndex={0} role="region" aria-label={caption}>
      <table className={styles.table} data-rows="">
        <caption className="visually-hidden">{caption}</caption>
        <thead>
          <tr>
            {columns.map((column) => (
              <Head key={column.key} column={column} sorting={sorting} />
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={id(row)} data-row={id(row)} data-at={at === id(row)} onFocus={() => setAt(id(row))}>
              {columns.map((column) => (
                <td
                  key={column.key}
                  data-align={column.align}
                  data-wide={column.wide}
                  data-drop={column.drop}
                  data-column={column.key}
                >
                  {column.cell(row)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Head<Row>({ column, sorting }: { column: Column<Row>; sorting: Sorting | undefined }) {
  const words = useWords();
  const sortable = sorting?.keys.includes(column.key);
  const active = sorting?.by === column.key;
  const direction = sorting?.descending ? "descending" : "ascending";
  return (
    <th scope="col" data-align={column.align} data-drop={column.drop} aria-sort={active ? direction : undefined}>
      {sortable ? (
        <button type="button" title={words.sortedBy(column.head)} onClick={() => sorting?.choose(column.key)}>
          {column.head} {active && <span aria-hidden="true">{sorting?.descending ? "↓" : "↑"}</span>}
        </button>
      ) : column.quietHead ? (
        <span className="visually-hidden">{column.head}</span>
      ) : (
        column.head
      )}
    </th>
  );
}

/** The first line of a card, its last part at the end; further lines follow. */
export function CardLine({ children }: { children: ReactNode }) {
  return <div className={styles.cardLine}>{children}</div>;
}
