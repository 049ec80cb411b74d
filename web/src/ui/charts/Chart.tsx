/** The frame of a chart: a figure with a summary, a readout of fixed place, and the same values as a table. */
import type { ReactNode } from "react";
import { Panel } from "../Panel";
import { useWords } from "../text";
import ui from "../ui.module.css";
import { toggleTables, useTables } from "./asTable";
import styles from "./charts.module.css";

interface Props {
  title: string;
  note?: ReactNode;
  readout: ReactNode;
  plot: ReactNode;
  head: readonly string[];
  /** A row per bucket: its time first, which may link to what is behind it. */
  rows: () => readonly (readonly ReactNode[])[];
}

export function Chart({ title, note, readout, plot, head, rows }: Props) {
  const words = useWords();
  const tables = useTables();
  const swap = (
    <button type="button" className={ui.button} data-kind="plain" aria-pressed={tables} onClick={toggleTables}>
      {tables ? words.asChart : words.asTable}
    </button>
  );
  return (
    <Panel title={title} note={note} actions={swap}>
      <figure className={styles.chart} aria-label={title}>
        {!tables && <figcaption className={styles.readout}>{readout}</figcaption>}
        {tables ? <Values head={head} rows={rows()} /> : plot}
      </figure>
    </Panel>
  );
}

function Values({ head, rows }: { head: readonly string[]; rows: readonly (readonly ReactNode[])[] }) {
  return (
    <div className={styles.tableBox} tabIndex={0} role="region" aria-label={head.join(", ")}>
      <table>
        <thead>
          <tr>
            {head.map((text) => (
              <th key={text} scope="col">
                {text}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row, index) => (
            <tr key={index}>
              {row.map((cell, column) =>
                column === 0 ? (
                  <th key={column} scope="row">
                    {cell}
                  </th>
                ) : (
                  <td key={column}>{cell}</td>
                ),
              )}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
