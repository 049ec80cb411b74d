/** The questions that the pages ask, each with the key that its answer is kept under. */
import { infiniteQueryOptions, keepPreviousData, queryOptions } from "@tanstack/react-query";
import { iso, type Window } from "../range/window";
import { answer, api, name } from "./client";

type Names = string[] | undefined;

export interface Filters {
  job?: Names;
  queue?: Names;
  service?: Names;
}

export interface RunFilters extends Filters {
  worker?: Names;
  outcome?: Names;
  state?: Names;
  fingerprint?: Names;
  /** Part of the error. */
  text?: string | undefined;
}

export interface JobFilters extends Filters {
  category?: Names;
  owner?: Names;
  text?: string | undefined;
}

type Sides = Pick<Window, "from" | "to">;

const PER_PAGE = 50;
const JOBS_AT_ONCE = 200;
const MOST_AT_ONCE = 1000;

/** Both sides of a window, and the filters, as the API takes them. */
function asked<F extends object>(window: Sides | null, filters: F) {
  const escaped = Object.entries(filters).map(([key, value]) => [key, Array.isArray(value) ? value.map(name) : value]);
  return { ...(Object.fromEntries(escaped) as F), ...(window && { from: iso(window.from), to: iso(window.to) }) };
}

const stepOf = (window: Window) => `${window.stepMs / 1000}s`;
const after = (cursor: string | null) => (cursor === null ? {} : { cursor });

export function stats(window: Sides, filters: Filters = {}) {
  const query = asked(window, filters);
  return queryOptions({
    queryKey: ["stats", query],
    queryFn: ({ signal }) => answer(api.GET("/api/v1/stats", { params: { query }, signal })),
    placeholderData: keepPreviousData,
  });
}

export function history(window: Window, filters: Filters = {}) {
  const query = { ...asked(window, filters), step: stepOf(window) };
  return queryOptions({
    queryKey: ["history", query],
    queryFn: ({ signal }) => answer(api.GET("/api/v1/history", { params: { query }, signal })),
    placeholderData: keepPreviousData,
  });
}

export function utilization(window: Window, filters: Omit<Filters, "job"> = {}) {
  const query = { ...asked(window, filters), step: stepOf(window) };
  return queryOptions({
    queryKey: ["utilization", query],
    queryFn: ({ signal }) => answer(api.GET("/api/v1/utilization", { params: { query }, signal })),
    placeholderData: keepPreviousData,
  });
}

export function runs(window: Sides | null, filters: RunFilters, limit = PER_PAGE) {
  const query = { ...asked(window, filters), limit };
  return infiniteQueryOptions({
    queryKey: ["runs", query],
    queryFn: ({ signal, pageParam }) =>
      answer(api.GET("/api/v1/runs", { params: { query: { ...query, ...after(pageParam) } }, signal })),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next_cursor,
    placeholderData: keepPreviousData,
  });
}

export function task(id: string, service: string | undefined) {
  return queryOptions({
    queryKey: ["task", id, service],
    queryFn: ({ signal }) =>
      answer(
        api.GET("/api/v1/runs/{task}", {
          params: { path: { task: id }, query: service === undefined ? {} : { service: [name(service)] } },
          signal,
        }),
      ),
  });
}

export function jobs(window: Sides, filters: JobFilters = {}, limit = PER_PAGE) {
  const query = { ...asked(window, filters), limit };
  return infiniteQueryOptions({
    queryKey: ["jobs", query],
    queryFn: ({ signal, pageParam }) =>
      answer(api.GET("/api/v1/jobs", { params: { query: { ...query, ...after(pageParam) } }, signal })),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next_cursor,
    placeholderData: keepPreviousData,
  });
}

/** Every job at once, as far as one answer goes: for names to choose from. */
export function jobNames(window: Sides) {
  const query = { ...asked(window, {}), limit: JOBS_AT_ONCE, recent: 0 };
  return queryOptions({
    queryKey: ["jobs", "names", query],
    queryFn: ({ signal }) => answer(api.GET("/api/v1/jobs", { params: { query }, signal })),
    placeholderData: keepPreviousData,
    staleTime: 60_000,
  });
}

export function job(id: string, window: Window, filters: Omit<Filters, "job">) {
  const query = { ...asked(window, filters), step: stepOf(window) };
  return queryOptions({
    queryKey: ["job", id, query],
    queryFn: ({ signal }) => answer(api.GET("/api/v1/jobs/{job}", { params: { path: { job: id }, query }, signal })),
    placeholderData: (previous, query) => (query?.queryKey[1] === id ? previous : undefined),
  });
}

export function failures(window: Sides, filters: RunFilters, limit = PER_PAGE) {
  const query = { ...asked(window, filters), limit };
  return infiniteQueryOptions({
    queryKey: ["failures", query],
    queryFn: ({ signal, pageParam }) =>
      answer(api.GET("/api/v1/failures", { params: { query: { ...query, ...after(pageParam) } }, signal })),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next_cursor,
    placeholderData: keepPreviousData,
  });
}

export function heatmap(window: Sides, filters: Filters = {}, thresholds = "1,5,10") {
  const query = { ...asked(window, filters), thresholds };
  return queryOptions({
    queryKey: ["heatmap", query],
    queryFn: ({ signal }) => answer(api.GET("/api/v1/heatmap", { params: { query }, signal })),
    placeholderData: keepPreviousData,
  });
}

/** Queues as they stand, with what went through in a range. */
export function queues(window: Sides, filters: Omit<Filters, "job"> = {}) {
  const query = { ...asked(window, filters), limit: MOST_AT_ONCE };
  return queryOptions({
    queryKey: ["queues", query],
    queryFn: ({ signal }) => answer(api.GET("/api/v1/queues", { params: { query }, signal })),
    placeholderData: keepPreviousData,
  });
}

/** Who works, with what each did in a range. */
export function workers(window: Sides, filters: Omit<Filters, "job"> & { worker?: Names } = {}) {
  const query = { ...asked(window, filters), limit: MOST_AT_ONCE };
  return queryOptions({
    queryKey: ["workers", query],
    queryFn: ({ signal }) => answer(api.GET("/api/v1/workers", { params: { query }, signal })),
    placeholderData: keepPreviousData,
  });
}

/** Document paths put what they answer into a wrapping. */
async function unwrapped<T>(wrapped: Promise<{ data: T }>): Promise<T> {
  return (await wrapped).data;
}

export const schedulerStatus = queryOptions({
  queryKey: ["scheduler", "status"],
  queryFn: ({ signal }) => unwrapped(answer(api.GET("/api/v1/scheduler/status", { signal }))),
});

export const schedulerMetrics = queryOptions({
  queryKey: ["scheduler", "metrics"],
  queryFn: ({ signal }) => unwrapped(answer(api.GET("/api/v1/scheduler/metrics", { signal }))),
});

/** Who the reader is, as the server sees it. */
export const session = queryOptions({
  queryKey: ["session"],
  queryFn: ({ signal }) => answer(api.GET("/api/v1/session", { signal })),
  staleTime: 60_000,
});

export const tokens = queryOptions({
  queryKey: ["tokens"],
  queryFn: ({ signal }) => answer(api.GET("/api/v1/tokens", { signal })),
});

export const audit = infiniteQueryOptions({
  queryKey: ["audit"],
  queryFn: ({ signal, pageParam }) =>
    answer(api.GET("/api/v1/audit", { params: { query: { ...after(pageParam) } }, signal })),
  initialPageParam: null as string | null,
  getNextPageParam: (page) => page.next_cursor,
});
