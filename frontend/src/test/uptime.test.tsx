import { screen, within } from "@testing-library/react";
import { http } from "msw";
import { expect, it } from "vitest";
import { problem } from "@/mocks/handlers";
import { usualWorld } from "@/mocks/world";
import { renderApp } from "./render-app";
import { server } from "./server";

const card = () => screen.findByRole("region", { name: "Uptime and badge" });

it("shows a job's uptime, its badge from our own address, and the Markdown to copy", async () => {
  const { user } = renderApp("/jobs/production/nightly-backup", usualWorld());
  expect(await within(await card()).findByText("99.89 %")).toBeVisible();
  expect(within(await card()).getByText("Down 44 min 40 s in the 29 d that are known")).toBeVisible();
  const picture = await within(await card()).findByRole("img", {
    name: "Badge of production/nightly-backup",
  });
  expect(picture.getAttribute("src")).toMatch(/^\/badge\/[^/]+\.svg\?state=failing$/);
  await user.click(within(await card()).getByRole("button", { name: "Copy badge Markdown" }));
  expect(await navigator.clipboard.readText()).toMatch(
    /^!\[production\/nightly-backup\]\(https:\/\/crontopus\.example\.com\/badge\/\S+\.svg\)$/,
  );
});

it("does not claim an uptime of a job that never reported", async () => {
  renderApp("/jobs/default/weekly-digest", usualWorld());
  expect(await within(await card()).findByText("Not known yet")).toBeVisible();
  expect(within(await card()).queryByText(/%/)).toBeNull();
});

it("says what could not be loaded, and shows the rest", async () => {
  renderApp("/jobs/production/nightly-backup", usualWorld());
  server.use(
    http.get("*/api/v1/jobs/:namespace/:name/uptime", () =>
      problem(403, "forbidden", "This needs the scope runs:read"),
    ),
  );
  expect(
    await within(await card()).findByText("Could not be loaded: This needs the scope runs:read"),
  ).toBeVisible();
  expect(await within(await card()).findByRole("img")).toBeVisible();
});
