/** Which page stands at which address. Each is loaded when it is first looked at. */
import { createRootRoute, createRoute, createRouter, lazyRouteComponent } from "@tanstack/react-router";
import type { RangeSearch } from "./range/window";
import { one, parseSearch, several, stringifySearch } from "./search";
import { Broken } from "./shell/Broken";
import { Lost } from "./shell/Lost";
import { Shell } from "./shell/Shell";

type Raw = Record<string, unknown>;
type Names = string[] | undefined;
/** What is not chosen may be left out of an address. */
type Chosen<K extends string, V = Names> = { [key in K]?: V };
type FilterSearch = Chosen<"job" | "queue" | "service">;
type RunSearch = FilterSearch & Chosen<"worker" | "outcome" | "state" | "fingerprint"> & { q?: string | undefined };

const root = createRootRoute({
  component: Shell,
  notFoundComponent: Lost,
  errorComponent: Broken,
  validateSearch: (search: Raw): RangeSearch => ({
    range: one(search.range),
    from: one(search.from),
    to: one(search.to),
  }),
});

/** The filters that most questions take. */
const filters = (search: Raw): FilterSearch => ({
  job: several(search.job),
  queue: several(search.queue),
  service: several(search.service),
});

/** Those of questions about runs. */
const runFilters = (search: Raw): RunSearch => ({
  ...filters(search),
  worker: several(search.worker),
  outcome: several(search.outcome),
  state: several(search.state),
  fingerprint: several(search.fingerprint),
  q: one(search.q),
});

const overview = createRoute({
  getParentRoute: () => root,
  path: "/",
  validateSearch: filters,
  component: lazyRouteComponent(() => import("./features/overview/OverviewPage"), "OverviewPage"),
});

const runs = createRoute({
  getParentRoute: () => root,
  path: "/runs",
  validateSearch: runFilters,
  component: lazyRouteComponent(() => import("./features/runs/RunsPage"), "RunsPage"),
});

const run = createRoute({
  getParentRoute: () => root,
  path: "/runs/$task",
  validateSearch: (search: Raw): { service?: string | undefined } => ({ service: one(search.service) }),
  component: lazyRouteComponent(() => import("./features/run/RunPage"), "RunPage"),
});

const jobs = createRoute({
  getParentRoute: () => root,
  path: "/jobs",
  validateSearch: (search: Raw): Chosen<"category" | "owner" | "service"> & Chosen<"q", string | undefined> => ({
    q: one(search.q),
    category: several(search.category),
    owner: several(search.owner),
    service: several(search.service),
  }),
  component: lazyRouteComponent(() => import("./features/jobs/JobsPage"), "JobsPage"),
});

const job = createRoute({
  getParentRoute: () => root,
  path: "/jobs/$job",
  validateSearch: (search: Raw): Chosen<"service" | "queue"> => ({
    service: several(search.service),
    queue: several(search.queue),
  }),
  component: lazyRouteComponent(() => import("./features/job/JobPage"), "JobPage"),
});

const failures = createRoute({
  getParentRoute: () => root,
  path: "/failures",
  validateSearch: (search: Raw): Omit<RunSearch, "state"> => {
    const { state: _, ...rest } = runFilters(search);
    return rest;
  },
  component: lazyRouteComponent(() => import("./features/failures/FailuresPage"), "FailuresPage"),
});

const heatmap = createRoute({
  getParentRoute: () => root,
  path: "/heatmap",
  validateSearch: (search: Raw): Chosen<"service"> => ({ service: several(search.service) }),
  component: lazyRouteComponent(() => import("./features/heatmap/HeatmapPage"), "HeatmapPage"),
});

const queues = createRoute({
  getParentRoute: () => root,
  path: "/queues",
  validateSearch: (search: Raw): Chosen<"queue" | "service"> => ({
    queue: several(search.queue),
    service: several(search.service),
  }),
  component: lazyRouteComponent(() => import("./features/queues/QueuesPage"), "QueuesPage"),
});

const workers = createRoute({
  getParentRoute: () => root,
  path: "/workers",
  validateSearch: (search: Raw): Chosen<"queue" | "service"> & Chosen<"sort" | "q", string | undefined> => ({
    queue: several(search.queue),
    service: several(search.service),
    sort: one(search.sort),
    q: one(search.q),
  }),
  component: lazyRouteComponent(() => import("./features/workers/WorkersPage"), "WorkersPage"),
});

const scheduler = createRoute({
  getParentRoute: () => root,
  path: "/scheduler-monitoring",
  validateSearch: (search: Raw): Chosen<"q" | "category" | "sort" | "tab", string | undefined> => ({
    q: one(search.q),
    category: one(search.category),
    sort: one(search.sort),
    tab: one(search.tab),
  }),
  component: lazyRouteComponent(() => import("./features/scheduler/SchedulerPage"), "SchedulerPage"),
});

const settings = createRoute({
  getParentRoute: () => root,
  path: "/settings",
  component: lazyRouteComponent(() => import("./features/settings/SettingsPage"), "SettingsPage"),
});

const signIn = createRoute({
  getParentRoute: () => root,
  path: "/sign-in",
  validateSearch: (search: Raw): Chosen<"next", string | undefined> => ({ next: one(search.next) }),
  component: lazyRouteComponent(() => import("./features/signin/SignInPage"), "SignInPage"),
});

const tree = root.addChildren([
  overview,
  runs,
  run,
  jobs,
  job,
  failures,
  heatmap,
  queues,
  workers,
  scheduler,
  settings,
  signIn,
]);

export function makeRouter() {
  return createRouter({
    routeTree: tree,
    parseSearch,
    stringifySearch,
    defaultPreload: "intent",
    scrollRestoration: true,
  });
}

declare module "@tanstack/react-router" {
  interface Register {
    router: ReturnType<typeof makeRouter>;
  }
}
