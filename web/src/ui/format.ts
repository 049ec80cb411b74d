/** How figures are written. All of it is a function of the language and the zone, so it is tested without a page. */
import type { Language, Zone } from "../preferences";

export const NONE = "—";

export interface Format {
  language: Language;
  /** A count: exact to 99,999, then three digits. */
  count(value: number | null | undefined): string;
  /** A count, exact at every size: what `count` says on a closer look. */
  exact(value: number): string;
  /** A share of 0 to 1 in percent with one decimal; what is not quite 1 is never written as 100 %. */
  rate(value: number | null | undefined): string;
  /** The difference of two shares, in percentage points. */
  points(value: number): string;
  /** A change such as +12 %, or × 40. */
  change(value: number): string;
  duration(ms: number | null | undefined): string;
  /** A round length, such as that of a bucket: 15 m, 1 h. */
  length(ms: number): string;
  bytes(value: number | null | undefined): string;
  decimal(value: number): string;
  /** The time of day, with the date where it is not today. */
  clock(time: string | number | null | undefined, now: number): string;
  /** Hours and minutes, for axes. */
  hour(time: number): string;
  day(time: number): string;
  full(time: string | number): string;
  ago(time: string | number | null | undefined, now: number): string;
  zone: string;
}

const UNITS = {
  en: {
    ms: " ms",
    s: " s",
    m: " m",
    h: " h",
    d: " d",
    gap: " ",
    ago: (text: string) => `${text} ago`,
    now: "just now",
  },
  zh: {
    ms: " 毫秒",
    s: " 秒",
    m: " 分",
    h: " 小时",
    d: " 天",
    gap: " ",
    ago: (text: string) => `${text}前`,
    now: "刚刚",
  },
};
const LENGTHS = [
  { ms: 86_400_000, en: "d", zh: "天" },
  { ms: 3_600_000, en: "h", zh: "小时" },
  { ms: 60_000, en: "min", zh: "分钟" },
  { ms: 1000, en: "s", zh: "秒" },
];
const TAGS: Record<Language, string> = { en: "en-GB", zh: "zh-CN" };
const BYTES = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
const MOST_EXACT = 99_999;

export function makeFormat(language: Language, zone: Zone, serverZone: string | null): Format {
  const tag = TAGS[language];
  const units = UNITS[language];
  const timeZone = zone === "utc" ? "UTC" : zone === "server" && serverZone ? serverZone : undefined;
  const whole = new Intl.NumberFormat(language === "en" ? "en-US" : tag, { maximumFractionDigits: 0 });
  const short = new Intl.NumberFormat(language === "en" ? "en-US" : tag, {
    notation: "compact",
    maximumSignificantDigits: 3,
  });
  const one = new Intl.NumberFormat(tag, { minimumFractionDigits: 1, maximumFractionDigits: 1 });
  const three = new Intl.NumberFormat("en-US", { maximumSignificantDigits: 3 });
  const time = new Intl.DateTimeFormat(tag, {
    timeZone,
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
    hourCycle: "h23",
  });
  const hour = new Intl.DateTimeFormat(tag, { timeZone, hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
  const date = new Intl.DateTimeFormat(tag, { timeZone, day: "numeric", month: "short" });
  const year = new Intl.DateTimeFormat(tag, { timeZone, day: "numeric", month: "short", year: "numeric" });
  const two = (value: number) => String(value).padStart(2, "0");

  const duration = (ms: number | null | undefined): string => {
    if (ms === null || ms === undefined) return NONE;
    if (ms < 999.5) return `${ms < 10 && ms > 0 ? three.format(ms) : Math.round(ms)}${units.ms}`;
    if (ms < 59_950) return `${one.format(ms / 1000)}${units.s}`;
    const seconds = Math.round(ms / 1000);
    if (seconds < 3600) return `${Math.floor(seconds / 60)}${units.m} ${two(seconds % 60)}${units.s}`;
    const minutes = Math.round(seconds / 60);
    if (minutes < 48 * 60) return `${Math.floor(minutes / 60)}${units.h} ${two(minutes % 60)}${units.m}`;
    const hours = Math.round(minutes / 60);
    return `${Math.floor(hours / 24)}${units.d} ${two(hours % 24)}${units.h}`;
  };

  const length = (ms: number): string => {
    const unit = LENGTHS.find((one) => ms >= one.ms && ms % one.ms === 0);
    return unit ? `${ms / unit.ms} ${unit[language]}` : duration(ms);
  };

  return {
    language,
    duration,
    length,
    count: (value) =>
      value == null ? NONE : Math.abs(value) <= MOST_EXACT ? whole.format(value) : short.format(value),
    exact: (value) => whole.format(value),
    rate: (value) => {
      if (value === null || value === undefined) return NONE;
      const percent = value * 100;
      if (value < 1 && percent > 99.9) return `${one.format(Math.floor(percent * 10) / 10)} %`;
      if (value > 0 && percent < 0.1) return "< 0.1 %";
      return value === 1 || value === 0 ? `${percent} %` : `${one.format(percent)} %`;
    },
    points: (value) => `${signed(one.format(Math.abs(value * 100)), value)}`,
    // Beyond ten times as much, a percentage is only a large number.
    change: (value) =>
      value > 9 ? `× ${whole.format(value + 1)}` : `${signed(whole.format(Math.abs(value * 100)), value)} %`,
    decimal: (value) => (value >= 100 ? whole.format(value) : one.format(value)),
    bytes: (value) => {
      if (value === null || value === undefined) return NONE;
      const power = value < 1 ? 0 : Math.min(BYTES.length - 1, Math.floor(Math.log2(value) / 10));
      return `${three.format(value / 1024 ** power)} ${BYTES[power]}`;
    },
    clock: (value, now) => {
      if (value === null || value === undefined) return NONE;
      const at = new Date(value);
      if (date.format(at) === date.format(now) && Math.abs(now - at.getTime()) < 2 * 86_400_000) return time.format(at);
      const days = Math.abs(now - at.getTime()) > 300 * 86_400_000 ? year : date;
      return `${days.format(at)} ${time.format(at)}`;
    },
    hour: (value) => hour.format(value),
    day: (value) => date.format(value),
    full: (value) => new Date(value).toISOString(),
    ago: (value, now) => {
      if (value === null || value === undefined) return NONE;
      const passed = now - new Date(value).getTime();
      return passed < 2000 ? units.now : units.ago(coarse(passed, units));
    },
    zone: timeZone ?? Intl.DateTimeFormat().resolvedOptions().timeZone,
  };
}

function signed(text: string, value: number): string {
  return value > 0 ? `+${text}` : value < 0 ? `−${text}` : text;
}

/** The largest unit alone: 4 m, 3 h, 2 d. */
function coarse(ms: number, units: (typeof UNITS)["en"]): string {
  const seconds = Math.floor(ms / 1000);
  if (seconds < 60) return `${seconds}${units.s}`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)}${units.m}`;
  if (seconds < 48 * 3600) return `${Math.floor(seconds / 3600)}${units.h}`;
  return `${Math.floor(seconds / 86_400)}${units.d}`;
}
