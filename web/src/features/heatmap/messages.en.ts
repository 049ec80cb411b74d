export const en = {
  title: "Heatmap",
  verdict: (failures: string, hour: string, most: string) =>
    `${failures} failures; the worst hour is ${hour} with ${most}`,
  well: "No failure in this range",
  none: "Nothing ran in this range.",
  category: "Category",
  without: "(no category)",
  caption: "Failures by category and hour",
  failures: "Failures",
  failingJobs: "Failing jobs",
  job: "Job",
  owner: "Owner",
  runs: "Runs",
  rate: "Failed",
  cell: (category: string, hour: string, failures: string, runs: string) =>
    `${category}, ${hour}: ${failures} of ${runs} runs failed`,
  empty: (category: string, hour: string) => `${category}, ${hour}: nothing ran`,
  zero: "none",
  nothing: "nothing ran",
  fromOn: (low: string, medium: string, high: string) =>
    `low from ${low}, medium from ${medium}, high from ${high} failures an hour`,
  levels: { none: "none", low: "low", medium: "medium", high: "high" } as Record<string, string>,
  tooLong: "Hours are shown for at most 31 days.",
  worse: (shown: string, total: string) => `the worst ${shown} of ${total}`,
};
export type Messages = typeof en;
