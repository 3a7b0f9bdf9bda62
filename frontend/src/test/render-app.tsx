import { QueryClientProvider } from "@tanstack/react-query";
import { createMemoryHistory, RouterProvider } from "@tanstack/react-router";
import { render } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { vi } from "vitest";
import { Toasts } from "@/components/ui/toast";
import type { World } from "@/mocks/data";
import { handlersFor } from "@/mocks/handlers";
import { createApp } from "@/router";
import { FakeSource } from "./fake-source";
import { server } from "./server";

/** The whole console at an address, in a world of mock data. */
export function renderApp(path: string, world: World) {
  server.use(...handlersFor(world));
  FakeSource.all = [];
  vi.stubGlobal("EventSource", FakeSource);
  const app = createApp(createMemoryHistory({ initialEntries: [path] }));
  app.queryClient.setDefaultOptions({
    queries: { ...app.queryClient.getDefaultOptions().queries, retryDelay: 1 },
  });
  render(
    <QueryClientProvider client={app.queryClient}>
      <Toasts>
        <RouterProvider router={app.router} />
      </Toasts>
    </QueryClientProvider>,
  );
  return { ...app, user: userEvent.setup(), at: () => app.router.state.location.href };
}

/** Matches a job's link: testing-library reads a space between the namespace and the name, browsers do not. */
export const job = (address: string) => new RegExp(`^${address.replace("/", "/ ?")}$`);
