export const en = {
  range: "Time range",
  presets: {
    "15m": "last 15 min",
    "1h": "last 1 h",
    "6h": "last 6 h",
    "24h": "last 24 h",
    night: "last night",
    today: "today",
    "7d": "last 7 d",
    "30d": "last 30 d",
  } as Record<string, string>,
  lengths: { "15m": "15 min", "1h": "1 h", "6h": "6 h", "24h": "24 h", "7d": "7 d", "30d": "30 d" } as Record<
    string,
    string
  >,
  from: "From",
  to: "To",
  apply: "Apply",
  custom: "Own range",
  invalid: "The start must be before the end.",
  zone: "Time zone",
  zones: { local: "Local time", utc: "UTC", server: "Server" } as Record<string, string>,
};
export type Messages = typeof en;
