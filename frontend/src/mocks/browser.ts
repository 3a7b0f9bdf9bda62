import { HttpResponse, http } from "msw";
import { setupWorker } from "msw/browser";
import { emptyWorld, type World } from "./data";
import { brokenHandlers, handlersFor } from "./handlers";
import { crowdedWorld, lockedWorld, usualWorld } from "./world";

/** `?mock=…` picks the world; the choice lasts for the tab. */
const WORLDS: Record<string, () => World> = {
  usual: usualWorld,
  empty: emptyWorld,
  many: crowdedWorld,
  error: usualWorld,
  locked: () => lockedWorld(),
  "signed-out": () => ({ ...usualWorld(), session: null }),
};

function chosen(): string {
  const asked = new URLSearchParams(window.location.search).get("mock");
  if (asked && asked in WORLDS) sessionStorage.setItem("crontopus.mock", asked);
  return sessionStorage.getItem("crontopus.mock") ?? "usual";
}

const streams = http.get("*/api/v1/events", () => {
  if (sessionStorage.getItem("crontopus.mock.events") === "down")
    return new HttpResponse(null, { status: 503 });
  const encoder = new TextEncoder();
  const body = new ReadableStream<Uint8Array>({
    start: (controller) => controller.enqueue(encoder.encode(": connected\n\n")),
  });
  return new HttpResponse(body, { headers: { "Content-Type": "text/event-stream" } });
});

export async function startMocks(): Promise<void> {
  const name = chosen();
  const world = (WORLDS[name] ?? usualWorld)();
  const handlers = name === "error" ? brokenHandlers(world) : handlersFor(world);
  await setupWorker(streams, ...handlers).start({ quiet: true, onUnhandledRequest: "bypass" });
}
