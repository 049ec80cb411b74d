/** The address as state: plain `key=value` pairs, a key several times where several values are chosen. */

export type Search = Record<string, string | string[] | undefined>;

export function parseSearch(text: string): Search {
  const found: Record<string, string | string[]> = {};
  for (const [key, value] of new URLSearchParams(text)) {
    const known = found[key];
    found[key] = known === undefined ? value : [...(Array.isArray(known) ? known : [known]), value];
  }
  return found;
}

export function stringifySearch(search: Search): string {
  const params = new URLSearchParams();
  for (const [key, value] of Object.entries(search)) {
    for (const one of Array.isArray(value) ? value : [value]) {
      if (typeof one === "string" && one !== "") params.append(key, one);
    }
  }
  const text = params.toString();
  return text === "" ? "" : `?${text}`;
}

/** One value, or nothing. */
export function one(value: unknown): string | undefined {
  const first = Array.isArray(value) ? value[0] : value;
  return typeof first === "string" && first !== "" ? first : undefined;
}

/** Several values, or nothing. */
export function several(value: unknown): string[] | undefined {
  const all = (Array.isArray(value) ? value : [value]).filter(
    (part): part is string => typeof part === "string" && part !== "",
  );
  return all.length > 0 ? all : undefined;
}
