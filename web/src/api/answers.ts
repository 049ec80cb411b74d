/** What the API answers, by the names that the pages use; the shapes come from its description. */
import type { components } from "./schema";

type Schemas = components["schemas"];

export type Stats = Schemas["Statistics"];
export type Utilization = Schemas["Utilization"];
export type Spread = Schemas["Spread"];
export type Figures = Schemas["Figures"];
export type Run = Schemas["RunItem"];
export type Runs = Schemas["Runs"];
export type Task = Schemas["TaskDetail"];
export type TaskRun = Schemas["RunDetail"];
export type Fact = Schemas["FactItem"];
export type Jobs = Schemas["Jobs"];
export type Job = Schemas["JobItem"];
export type JobDetail = Schemas["JobDetail"];
export type History = Schemas["History"];
export type Bucket = Schemas["Bucket"];
export type Failures = Schemas["Failures"];
export type Failure = Schemas["FailureItem"];
export type Heatmap = Schemas["Heatmap"];
export type HeatRow = Schemas["HeatRow"];
export type HeatCell = Schemas["HeatCell"];
export type SchedulerMetric = Schemas["JobMetrics"];
export type SchedulerStatus = Schemas["SchedulerStatus"];
export type ScheduledJob = Schemas["ScheduledJob"];
export type Overall = Schemas["Overall"];
export type Queue = Schemas["Queue"];
export type Worker = Schemas["Worker"];
export type Who = Schemas["Who"];
export type Token = Schemas["KnownToken"];
export type Action = Schemas["AuditEntry"];
