/** Where things lead: one place says which address shows a task, a job, a worker. The range goes along by itself. */
import type { LinkProps } from "@tanstack/react-router";

export function keepRange(search: object): { range?: string; from?: string; to?: string } {
  const { range, from, to } = search as Record<string, string>;
  return { ...(range && { range }), ...(from && { from }), ...(to && { to }) };
}

type Extra = Record<string, string | string[] | undefined>;

const link = (to: string, params: Record<string, string>, extra: Extra): LinkProps =>
  ({ to, params, search: (old: object) => ({ ...keepRange(old), ...extra }) }) as LinkProps;

export const toRuns = (filters: Extra) => link("/runs", {}, filters);
/** The service is named only where it is not the usual one, so that addresses stay short. */
const ofService = (service: string) => (service === "default" ? {} : { service });
export const toTask = (task: string, service: string) => link("/runs/$task", { task }, ofService(service));
export const toJob = (job: string, service: string) =>
  link("/jobs/$job", { job }, service === "default" ? {} : { service: [service] });
export const toPage = (path: string, extra: Extra = {}) => link(path, {}, extra);
