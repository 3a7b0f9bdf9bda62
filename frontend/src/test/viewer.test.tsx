import { cleanup, screen } from "@testing-library/react";
import { expect, it } from "vitest";
import type { World } from "@/mocks/data";
import { usualWorld } from "@/mocks/world";
import { renderApp } from "./render-app";

/** Somebody who may look and not touch. */
function seenByViewer(): World {
  const world = usualWorld();
  if (world.session) world.session.scopes = ["jobs:read", "runs:read"];
  return world;
}

const offered = (name: RegExp) =>
  [...screen.queryAllByRole("button", { name }), ...screen.queryAllByRole("link", { name })].length > 0;

it.each([
  ["/jobs", "nightly-backup", /^(New job|Import)$/],
  ["/jobs/production/nightly-backup", "Schedule", /^(Edit|Pause|Rename|Delete)/],
  ["/endpoints", "db-1", /^(Add an endpoint|Revoke)/],
])("offers changes on %s to an editor, and none to a viewer", async (path, loaded, actions) => {
  renderApp(path, usualWorld());
  await screen.findAllByText(loaded);
  expect(offered(actions)).toBe(true);
  cleanup();
  renderApp(path, seenByViewer());
  await screen.findAllByText(loaded);
  expect(offered(actions)).toBe(false);
});

it.each(["/jobs/new", "/jobs/import", "/jobs/production/nightly-backup/edit"])(
  "tells a viewer why %s is not for them",
  async (path) => {
    renderApp(path, seenByViewer());
    expect(await screen.findByRole("heading", { name: "Your role may not change jobs" })).toBeVisible();
  },
);
