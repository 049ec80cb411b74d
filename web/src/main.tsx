import { QueryCache, QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { ProblemError } from "./api/client";
import { refreshBy } from "./live/refresh";
import { runWhileSeen } from "./live/timer";
import { apply } from "./preferences";
import { makeRouter } from "./router";
import "./ui/base.css";

apply();

const router = makeRouter();
const client = new QueryClient({
  queryCache: new QueryCache({ onError: askWhoItIs }),
  defaultOptions: {
    queries: {
      // A refusal stays one; a server that is away is asked again by the page's timer, not by each question.
      retry: (count, error) => error instanceof ProblemError && error.status === 503 && count < 2,
      refetchOnWindowFocus: false,
      staleTime: 2_000,
    },
  },
});
refreshBy(client);
runWhileSeen();

/** Whoever is not known is asked to sign in, and comes back to where they were. */
function askWhoItIs(error: Error): void {
  const { pathname, href } = router.state.location;
  if (error instanceof ProblemError && error.status === 401 && pathname !== "/sign-in") {
    void router.navigate({ to: "/sign-in", search: { next: href } });
  }
}

const root = document.getElementById("root");
if (root) {
  createRoot(root).render(
    <StrictMode>
      <QueryClientProvider client={client}>
        <RouterProvider router={router} />
      </QueryClientProvider>
    </StrictMode>,
  );
}
