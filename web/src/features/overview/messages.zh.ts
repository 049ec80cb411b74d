import type { Messages } from "./messages.en";

export const zh: Messages = {
  title: "总览",
  well: (runs) => `一切正常：已结束 ${runs} 次执行`,
  quiet: "该时间范围内没有执行",
  trouble: (jobs, workers, queues) =>
    [
      jobs > 0 && `${jobs} 个作业失败较多`,
      workers > 0 && `${workers} 个工作进程失联`,
      queues > 0 && `${queues} 个队列积压`,
    ]
      .filter(Boolean)
      .join("，"),
  runsPerMinute: "每分钟执行",
  success: "成功率",
  active: "执行中",
  ofSlots: (slots) => `共 ${slots} 个槽位`,
  activeNote: "正在运行",
  waiting: "等待中",
  oldest: (time) => `最久 ${time}`,
  noneWaits: "没有等待",
  p95: "运行时长 P95",
  average: (time) => `平均 ${time}`,
  workers: "工作进程",
  workersNote: "忙碌 · 空闲 · 失联",
  outcomes: (step) => `每 ${step} 的结果`,
  attention: "需要关注",
  attentionNote: "成功率低于 95 %、工作进程失联、队列积压",
  allWell: "没有需要关注的事项。",
  failing: (share, failures, runs) => `失败 ${share}：${runs} 次中 ${failures} 次`,
  gone: (time) => `自 ${time} 失联`,
  stuck: (count) => `${count} 个等待过久`,
  topFailures: "主要失败",
  noFailures: "没有失败。",
  lastSeen: "最近",
  gaps: (count) => `数据不完整：发送方未能保留该范围内的 ${count} 条记录。`,
  all: "全部失败",
  firstTitle: "还没有收到任何记录",
  firstText: "应用记录什么，这里就显示什么。发送第一条记录后，本页会自动显示内容。",
  firstAny: "任意语言",
  arrived: "第一条记录已到达。",
  waitingForFacts: "正在等待第一条记录……",
};
