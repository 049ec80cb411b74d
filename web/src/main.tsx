import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
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

const client = new QueryClient({
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

const root = document.getElementById("root");
if (root) {
  createRoot(root).render(
    <StrictMode>
      <QueryClientProvider client={client}>
        <RouterProvider router={makeRouter()} />
      </QueryClientProvider>
    </StrictMode>,
  );
}
