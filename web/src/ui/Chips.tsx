/** The filters of a page as chips: each can be removed, and another added with suggestions. */
import { type FormEvent, useId, useState } from "react";
import { useWords } from "./text";
import styles from "./ui.module.css";

export interface Field {
  key: string;
  label: string;
  /** Values to choose from, with their words where they have some. */
  suggestions: readonly { value: string; label?: string }[];
  /** Whether nothing but the suggestions makes sense. */
  closed?: boolean;
}

interface Props {
  fields: readonly Field[];
  chosen: Record<string, string[] | undefined>;
  change: (key: string, values: string[] | undefined) => void;
  words: { addFilter: string; add: string; valueFor: (field: string) => string };
}

export function Chips({ fields, chosen, change, words }: Props) {
  const shared = useWords();
  return (
    <div className={styles.chips} data-testid="filters">
      {fields.flatMap((field) =>
        (chosen[field.key] ?? []).map((value) => {
          const label = `${field.label}: ${field.suggestions.find((one) => one.value === value)?.label ?? value}`;
          const rest = (chosen[field.key] ?? []).filter((one) => one !== value);
          return (
            <span key={`${field.key}:${value}`} className={styles.chip}>
              <bdi className={styles.chipText} title={label} data-name="">
                {label}
              </bdi>
              <button
                type="button"
                aria-label={shared.remove(label)}
                onClick={() => change(field.key, rest.length > 0 ? rest : undefined)}
              >
                <span aria-hidden="true">×</span>
              </button>
            </span>
          );
        }),
      )}
      <Add fields={fields} chosen={chosen} change={change} words={words} />
    </div>
  );
}

function Add({ fields, chosen, change, words }: Props) {
  const [key, setKey] = useState(fields[0]?.key ?? "");
  const [value, setValue] = useState("");
  const list = useId();
  const field = fields.find((one) => one.key === key) ?? fields[0];
  if (!field) return null;
  const add = (one: string) => {
    if (one === "" || chosen[field.key]?.includes(one)) return;
    change(field.key, [...(chosen[field.key] ?? []), one]);
    setValue("");
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    add(value);
  };
  return (
    <form className={styles.chips} onSubmit={submit}>
      <select
        className={styles.field}
        aria-label={words.addFilter}
        value={field.key}
        onChange={(event) => setKey(event.target.value)}
      >
        {fields.map((one) => (
          <option key={one.key} value={one.key}>
            {one.label}
          </option>
        ))}
      </select>
      {field.closed ? (
        <select
          className={styles.field}
          aria-label={words.valueFor(field.label)}
          value=""
          onChange={(event) => add(event.target.value)}
        >
          <option value="">{words.addFilter} …</option>
          {field.suggestions.map((one) => (
            <option key={one.value} value={one.value}>
              {one.label ?? one.value}
            </option>
          ))}
        </select>
      ) : (
        <>
          <input
            className={styles.field}
            aria-label={words.valueFor(field.label)}
            placeholder={`${words.addFilter} …`}
            list={list}
            value={value}
            onChange={(event) => setValue(event.target.value)}
          />
          <datalist id={list}>
            {field.suggestions.map((one) => (
              <option key={one.value} value={one.value}>
                {one.label}
              </option>
            ))}
          </datalist>
          <button type="submit" className={styles.button} disabled={value === ""}>
            {words.add}
          </button>
        </>
      )}
    </form>
  );
}
