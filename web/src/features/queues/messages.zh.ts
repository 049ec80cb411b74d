import type { Messages } from "./messages.en";

export const zh: Messages = {
  title: "队列",
  verdict: (waiting, running) => `${waiting} 个等待，${running} 个执行中`,
  stuck: (count, after) => `${count} 个等待超过 ${after}`,
  none: "还没有使用过队列。",
  queue: "队列",
  depth: "等待",
  oldest: "最久等待",
  running: "执行中",
  use: "占上限",
  in: "进入",
  out: "完成",
  failed: "失败",
  wait: "等待 P50 · P95",
  workers: "工作进程",
  ofLimit: (running, limit) => `${running} / ${limit}`,
  noLimit: "没有工作进程告知上限",
  noQueue: "（无队列）",
  nobody: "无人服务",
  inRange: "进入、完成、失败和等待时长属于该时间范围，其余为当前值。",
};
