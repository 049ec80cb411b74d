import { useMemo } from "react";
import { useServerZone } from "../api/serverZone";
import { usePreferences } from "../preferences";
import { type Format, makeFormat } from "./format";

export function useFormat(): Format {
  const { language, zone } = usePreferences();
  const serverZone = useServerZone();
  return useMemo(() => makeFormat(language, zone, serverZone), [language, zone, serverZone]);
}
