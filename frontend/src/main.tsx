import { CSPProvider } from "@base-ui/react/csp-provider";
import { QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { watchServerDate } from "@/client/http";
import { Toasts } from "@/components/ui/toast";
import { noteServerDate } from "@/lib/clock";
import { watchSystemTheme } from "@/lib/theme";
import { createApp } from "./router";
import "./styles.css";

async function start(): Promise<void> {
  if (import.meta.env.VITE_MOCK === "1") await (await import("./mocks/browser")).startMocks();
  watchServerDate(noteServerDate);
  watchSystemTheme();
  const { router, queryClient } = createApp();
  const root = document.getElementById("root");
  if (!root) throw new Error("index.html has no #root");
  createRoot(root).render(
    <StrictMode>
      {/* No inline <style>: the content security policy forbids them; styles.css has what Base UI needs. */}
      <CSPProvider disableStyleElements>
        <QueryClientProvider client={queryClient}>
          <Toasts>
            <RouterProvider router={router} />
          </Toasts>
        </QueryClientProvider>
      </CSPProvider>
    </StrictMode>,
  );
}

void start();
