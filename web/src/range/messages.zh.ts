import type { Messages } from "./messages.en";

export const zh: Messages = {
  range: "时间范围",
  presets: {
    "15m": "近 15 分钟",
    "1h": "近 1 小时",
    "6h": "近 6 小时",
    "24h": "近 24 小时",
    night: "昨夜",
    today: "今天",
    "7d": "近 7 天",
    "30d": "近 30 天",
  },
  lengths: { "15m": "15 分钟", "1h": "1 小时", "6h": "6 小时", "24h": "24 小时", "7d": "7 天", "30d": "30 天" },
  from: "从",
  to: "到",
  apply: "应用",
  custom: "自定义范围",
  invalid: "开始时间必须早于结束时间。",
  zone: "时区",
  zones: { local: "本地时间", utc: "UTC", server: "服务器时间" },
};
