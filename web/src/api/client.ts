/** The client of the API: its types come from the API's own description (`npm run api`), its errors are problem documents. */
import createClient from "openapi-fetch";
import { reached, unreachable } from "../live/connection";
import type { paths } from "./schema";

/** Raised when the server answers with a problem: what is wrong stands in `detail`. */
export class ProblemError extends Error {
  readonly status: number;

  constructor(status: number, detail: string) {
    super(detail);
    this.status = status;
  }
}

/** Raised when no answer came at all. */
export class UnreachableError extends Error {}

export const api = createClient<paths>({ fetch: connected });

async function connected(request: Request): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(request);
  } catch (error) {
    if (request.signal.aborted) throw error;
    unreachable();
    throw new UnreachableError(String(error));
  }
  // A proxy whose server is away answers in its place.
  if (response.status === 502 || response.status === 504) unreachable();
  else reached();
  return response;
}

interface Answered<T> {
  data?: T;
  error?: unknown;
  response: Response;
}

/** Give what was answered, or raise the problem that it is. */
export async function answer<T>(asked: Promise<Answered<T>>): Promise<T> {
  const { data, error, response } = await asked;
  if (response.ok) return data as T;
  const problem = (error ?? {}) as { detail?: string; message?: string };
  throw new ProblemError(response.status, problem.detail ?? problem.message ?? response.statusText);
}

/** Write a name so that the API does not take a comma inside of it for the end: the API splits at commas. */
export function name(text: string): string {
  return text.replace(/[\\,]/g, "\\$&");
}
