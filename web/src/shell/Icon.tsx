/** The marks of the pages: drawn here, since no font is sure to have them. */
import type { Messages } from "./messages.en";

const PATHS: Record<keyof Messages["pages"], string> = {
  overview: "M2 2.5h5v6H2zM9 2.5h5v3H9zM9 7.5h5v6H9zM2 10.5h5v3H2z",
  runs: "M2 4h12M2 8h12M2 12h12",
  jobs: "M2.5 5.5h11v7.5h-11zM6 5.5V3h4v2.5",
  failures: "M8 2.5 14.5 13.5h-13zM8 6.5v3.5M8 11.5v.5",
  heatmap: "M2.5 2.5h11v11h-11zM2.5 6.2h11M2.5 9.8h11M6.2 2.5v11M9.8 2.5v11",
  queues: "M2 3.5h8M2 8h8M2 12.5h8M12 5.5 14 8l-2 2.5",
  scheduler: "M8 2a6 6 0 1 0 .01 0M8 4.5V8l2.5 1.5",
  workers: "M2.5 3h11v4h-11zM2.5 9h11v4h-11zM5 5h.5M5 11h.5",
  settings: "M2 4.5h7M12 4.5h2M10.5 3v3M2 11.5h2M7 11.5h7M5.5 10v3",
};

export function Icon({ of }: { of: keyof Messages["pages"] }) {
  return (
    <svg
      width="16"
      height="16"
      viewBox="0 0 16 16"
      fill="none"
      stroke="currentColor"
      strokeWidth="1.4"
      strokeLinejoin="round"
      aria-hidden="true"
    >
      <path d={PATHS[of]} />
    </svg>
  );
}
