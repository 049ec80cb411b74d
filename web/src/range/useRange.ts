import { useNavigate, useSearch } from "@tanstack/react-router";
import { useMemo } from "react";
import { useNow } from "../live/now";
import { usePreferences } from "../preferences";
import { type RangeSearch, type Window, windowOf } from "./window";

const MINUTE_MS = 60_000;

/** The range of the page, from its address. It moves on with the clock, a minute at a time. */
export function useRange(): Window {
  const { range, from, to } = useSearch({ strict: false }) as RangeSearch;
  const minute = Math.ceil(useNow() / MINUTE_MS);
  const utc = usePreferences().zone === "utc";
  return useMemo(() => windowOf({ range, from, to }, minute * MINUTE_MS, utc), [range, from, to, minute, utc]);
}

/** Choose a range: a new entry in the history, so that going back goes back. Filters stay. */
export function useChooseRange(): (range: RangeSearch) => void {
  const navigate = useNavigate();
  return (range) => {
    const empty: RangeSearch = { range: undefined, from: undefined, to: undefined };
    void navigate({ to: ".", search: (old: object) => ({ ...old, ...empty, ...range }) } as never);
  };
}
