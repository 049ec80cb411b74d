/** The keys of the pages. None of them works while something is typed, nor once they are switched off. */
import { useNavigate } from "@tanstack/react-router";
import { useEffect, useRef, useState } from "react";
import { pause, usePaused } from "../live/refresh";
import { usePreferences } from "../preferences";
import { useChooseRange, useRange } from "../range/useRange";
import { shifted } from "../range/window";
import { toggleTables } from "../ui/charts/asTable";
import { PAGES } from "./pages";

const GO_MS = 1500;

export function useKeys() {
  const [open, setOpen] = useState(false);
  const { keys } = usePreferences();
  const navigate = useNavigate();
  const window = useRange();
  const choose = useChooseRange();
  const paused = usePaused();
  const wentAt = useRef(0);

  useEffect(() => {
    const commands: Record<string, () => void> = {
      "?": () => setOpen(true),
      "/": () => document.querySelector<HTMLElement>("[data-search]")?.focus(),
      g: () => {
        wentAt.current = performance.now();
      },
      j: () => moveRow(1),
      k: () => moveRow(-1),
      "[": () => choose(shifted(window, -1, Date.now())),
      "]": () => choose(shifted(window, 1, Date.now())),
      l: () => pause(!paused),
      t: toggleTables,
    };
    const onKey = (event: KeyboardEvent) => {
      if (!keys || event.ctrlKey || event.metaKey || event.altKey || event.isComposing || isTyping(event.target))
        return;
      const page = PAGES.find((one) => one.key === event.key);
      if (page && performance.now() - wentAt.current < GO_MS) {
        wentAt.current = 0;
        void navigate({ to: page.path as "/" });
      } else if (commands[event.key]) {
        commands[event.key]?.();
      } else return;
      event.preventDefault();
    };
    document.addEventListener("keydown", onKey);
    return () => document.removeEventListener("keydown", onKey);
  }, [keys, navigate, window, choose, paused]);

  return { open, setOpen };
}

function isTyping(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName))
  );
}

/** Move the focus to the link of the next or previous row. */
function moveRow(by: 1 | -1): void {
  const rows = [...document.querySelectorAll<HTMLElement>("[data-row]")];
  const at = rows.findIndex((row) => row.contains(document.activeElement));
  const next = rows[at < 0 ? (by === 1 ? 0 : rows.length - 1) : at + by];
  next?.querySelector<HTMLElement>("a, button")?.focus();
}
