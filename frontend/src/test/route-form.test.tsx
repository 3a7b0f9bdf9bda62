import { screen, waitFor, within } from "@testing-library/react";
import axe from "axe-core";
import { http } from "msw";
import { expect, it } from "vitest";
import { parse } from "yaml";
import { afterProblem, nextAfter, seconds, timeProblem, zoneProblem } from "@/features/alert-routes/checks";
import {
  readRoute,
  withoutStep,
  withoutWindow,
  withPart,
  withStep,
  withValue,
  withWindow,
} from "@/features/alert-routes/spec";
import { fileOf } from "@/mocks/alerting";
import type { World } from "@/mocks/data";
import { problem } from "@/mocks/handlers";
import { usualWorld } from "@/mocks/world";
import { renderApp } from "./render-app";
import { server } from "./server";

const PATH = ".crontopus/routes/20-critical.yaml";
const FULL = `apiVersion: crontopus/v1
kind: AlertRoute
metadata:
  name: 20-critical
  annotations: {why: "the night of the flood"}
spec:
  channels:
    - on-call # the pager
    - OPS
  # What wakes people.
  incidents: [missed, shiny_kind]
  escalate:
    - after: 15m # time for a coffee
      channels: [Owners]
      someday: yes
    - {after: 1h, channels: [Owners, warehouse]}
  quietHours:
    timezone: Europe/London # the team's
    windows:
      - {from: "22:00", to: "07:00"}
      - {days: [sat, sun], from: "00:00", to: "00:00"}
    below: error
    later: [1, 2]
`;

function worldWith(yaml: string): World {
  const world = usualWorld();
  world.alerting.files.set(PATH, fileOf("AlertRoute", "20-critical", yaml));
  return world;
}

/** The page of a route with that text, and what the API is sent. */
async function edit(yaml: string) {
  const world = worldWith(yaml);
  const app = renderApp("/routes/edit/20-critical", world);
  await screen.findByRole("region", { name: "Fields" });
  await screen.findAllByRole("checkbox", { name: "finance-team" });
  const save = async () => {
    await app.user.click(screen.getByRole("button", { name: "Save" }));
    await waitFor(() => expect(app.at()).toBe("/routes"));
    return world.alerting.files.get(PATH)?.yaml ?? "";
  };
  return { ...app, save };
}

const group = (name: string) => within(screen.getByRole("group", { name }));

async function accessible() {
  const { violations } = await axe.run(document.body, {
    // jsdom has neither colours nor layout.
    rules: { "color-contrast": { enabled: false }, region: { enabled: false } },
  });
  expect(violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`)).toEqual([]);
}

it("shows what the text says of incidents, escalation and quiet hours", async () => {
  await edit(FULL);
  expect(group("Incidents (none: all)").getByRole("checkbox", { name: "Missed" })).toBeChecked();
  expect(group("Incidents (none: all)").getByRole("checkbox", { name: "Failing" })).not.toBeChecked();
  expect(group("Step 1").getByLabelText("After")).toHaveValue("15m");
  expect(group("Step 2").getByRole("checkbox", { name: "warehouse" })).toBeChecked();
  expect(screen.getByLabelText("Time zone")).toHaveValue("Europe/London");
  expect(screen.getByLabelText("Told at once")).toHaveDisplayValue("Error and above");
  expect(group("Window 1").getByLabelText("From")).toHaveValue("22:00");
  expect(group("Window 2").getByRole("checkbox", { name: "Sat" })).toBeChecked();
  expect(group("Window 2").getByRole("checkbox", { name: "Mon" })).not.toBeChecked();
  await accessible();
});

it("leaves everything else as it is when a field is edited", async () => {
  const { user, save } = await edit(FULL);
  await user.type(screen.getByLabelText("Remind every"), "4h");
  expect(await save()).toBe(`${FULL}  repeatEvery: 4h\n`);
});

it("changes one value of a step and of quiet hours, with comments and unknown keys kept", async () => {
  const { user, save } = await edit(FULL);
  const after = group("Step 1").getByLabelText("After");
  await user.clear(after);
  await user.type(after, "20m");
  await user.click(group("Channels").getByRole("checkbox", { name: "finance-team" }));
  await user.click(group("Incidents (none: all)").getByRole("checkbox", { name: "Outage" }));
  await user.click(group("Window 1").getByRole("checkbox", { name: "Fri" }));
  await user.selectOptions(screen.getByLabelText("Told at once"), "Critical");
  expect(await save()).toBe(
    FULL.replace("15m #", "20m #")
      .replace("- OPS\n", "- OPS\n    - finance-team\n")
      .replace("- on-call # the pager\n    - OPS", "- OPS\n    - on-call # the pager")
      .replace("[missed, shiny_kind]", "[missed, outage, shiny_kind]")
      .replace('to: "07:00"}', 'to: "07:00", days: [fri]}')
      .replace("    below: error\n", ""),
  );
});

it("adds steps of escalation in order and takes one away, by keyboard", async () => {
  const { user, save } = await edit(
    "kind: AlertRoute\nmetadata: {name: 20-critical}\nspec:\n  channels: [ops]\n",
  );
  screen.getByRole("button", { name: "Add step" }).focus();
  await user.keyboard("{Enter}");
  expect(group("Step 1").getByLabelText("After")).toHaveFocus();
  await user.tab();
  await user.keyboard(" ");
  expect(group("Step 1").getByRole("checkbox", { name: "Owners" })).toBeChecked();
  for (const number of [2, 3]) {
    await user.click(screen.getByRole("button", { name: "Add step" }));
    await user.click(group(`Step ${number}`).getByRole("checkbox", { name: "warehouse" }));
  }
  await accessible();
  await user.click(screen.getByRole("button", { name: "Remove step 2" }));
  expect(screen.getByRole("button", { name: "Add step" })).toHaveFocus();
  expect(parse(await save()).spec).toEqual({
    channels: ["ops"],
    escalate: [
      { after: "15m", channels: ["Owners"] },
      { after: "1h", channels: ["warehouse"] },
    ],
  });
});

it("has five steps at most, and no escalation without any", async () => {
  const { user, save } = await edit(FULL);
  for (let count = 3; count <= 5; count += 1)
    await user.click(screen.getByRole("button", { name: "Add step" }));
  expect(screen.getByRole("button", { name: "Add step" })).toBeDisabled();
  expect(screen.getByText("5 at most.")).toBeVisible();
  for (let count = 5; count >= 1; count -= 1)
    await user.click(screen.getByRole("button", { name: `Remove step ${count}` }));
  expect(parse(await save()).spec).not.toHaveProperty("escalate");
});

it("adds quiet hours in the browser's time zone, and takes them away as a whole", async () => {
  const { user, save } = await edit(
    "kind: AlertRoute\nmetadata: {name: 20-critical}\nspec:\n  channels: [ops]\n",
  );
  expect(screen.queryByLabelText("Time zone")).toBeNull();
  await user.click(screen.getByRole("button", { name: "Add quiet hours" }));
  expect(group("Window 1").getByLabelText("From")).toHaveFocus();
  await user.click(screen.getByRole("button", { name: "Remove window 1" }));
  expect(screen.queryByLabelText("Time zone")).toBeNull();
  await user.click(screen.getByRole("button", { name: "Add quiet hours" }));
  await user.clear(screen.getByLabelText("Time zone"));
  await user.type(screen.getByLabelText("Time zone"), "Asia/Kolkata");
  await user.clear(group("Window 1").getByLabelText("To"));
  await user.type(group("Window 1").getByLabelText("To"), "06:30");
  await user.click(screen.getByRole("button", { name: "Add window" }));
  await user.click(group("Window 2").getByRole("checkbox", { name: "Sun" }));
  await user.selectOptions(screen.getByLabelText("Told at once"), "Warning and above");
  const yaml = await save();
  expect(yaml).toContain('- {from: "22:00", to: "06:30"}');
  expect(parse(yaml).spec.quietHours).toEqual({
    timezone: "Asia/Kolkata",
    windows: [
      { from: "22:00", to: "06:30" },
      { from: "22:00", to: "07:00", days: ["sun"] },
    ],
    below: "warning",
  });
});

it("says next to a field what is wrong with it, once the typing rests", async () => {
  const { user } = await edit(FULL);
  const after = group("Step 2").getByLabelText("After");
  await user.clear(after);
  await user.type(after, "1");
  await screen.findByText(/is not a duration/);
  expect(after).toBeInvalid();
  expect(after).toHaveAccessibleDescription("“1” is not a duration. Write 15m, 4h or 1d12h.");
  await user.type(after, "0m");
  await screen.findByText(/Must be later/);
  expect(after).toHaveAccessibleDescription("Must be later than step 1, which is after 15m.");
  await user.click(group("Step 1").getByRole("checkbox", { name: "Owners" }));
  await user.tab({ shift: true });
  await user.tab({ shift: true });
  expect(group("Step 1").getByText("Choose at least one channel.")).toBeVisible();
  await user.clear(screen.getByLabelText("Time zone"));
  await user.type(screen.getByLabelText("Time zone"), "Mars/Base");
  await user.clear(group("Window 1").getByLabelText("From"));
  await screen.findByText("This is needed.");
  expect(screen.getByLabelText("Time zone")).toHaveAccessibleDescription(/“Mars\/Base” is not a time zone/);
  expect(group("Window 1").getByLabelText("From")).toHaveAccessibleDescription("This is needed.");
  await accessible();
});

it("shows what the server refuses next to the field it is about", async () => {
  const { user } = await edit(FULL);
  const error = {
    line: 20,
    column: 5,
    code: "unknown_timezone",
    message: "unknown timezone `Europe/London`",
  };
  const refusal = { errors: [{ ...error, path: "spec.quietHours.timezone" }] };
  server.use(http.put("*/api/v1/routes/20-critical", () => problem(422, "invalid_manifest", "No", refusal)));
  await user.type(screen.getByLabelText("Remind every"), "4h");
  await user.click(screen.getByRole("button", { name: "Save" }));
  await screen.findByText("The server refused this");
  expect(screen.getByLabelText("Time zone")).toHaveAccessibleDescription("Unknown timezone `Europe/London`.");
});

it.each(["escalate: soon", "escalate: [15m]", "quietHours: nights", "quietHours: {windows: [night]}"])(
  "writes over nothing that it cannot show: %s",
  async (odd) => {
    const text = `metadata: {name: 20-critical}\nspec:\n  channels: [ops]\n  ${odd}\n`;
    const { user } = await edit(text);
    let sent = "";
    server.use(
      http.put("*/api/v1/routes/20-critical", async ({ request }) => {
        sent = await request.text();
        return problem(422, "invalid_manifest", "No");
      }),
    );
    expect(screen.getByText("The text has something here that fields cannot show.")).toBeVisible();
    await user.type(screen.getByLabelText("Remind every"), "4h");
    await user.click(screen.getByRole("button", { name: "Save" }));
    await waitFor(() => expect(sent).toBe(`${text}  repeatEvery: 4h\n`));
  },
);

it.each([
  "spec:",
  "spec:\n  match:",
  "spec:\n  escalate:\n  quietHours:",
  "spec:\n  quietHours:\n    windows:",
])("writes into a text that is half written: %j", (text) => {
  const labelled = withValue(text, ["spec", "match", "matchLabels"], { tier: "1" });
  const written = withWindow(withStep(labelled, "15m"), "UTC");
  expect(readRoute(written)).toMatchObject({
    labels: { tier: "1" },
    escalate: [{ after: "15m", channels: [] }],
    quiet: { windows: [{ from: "22:00", to: "07:00", days: [] }] },
  });
  expect(withValue(text, ["spec", "match", "namespaces"], [])).toBe(`${text}\n`);
  const less = withoutWindow(withoutStep(written, 0), 0);
  expect(readRoute(less)).toMatchObject({ escalate: [], quiet: { windows: [] } });
});

it("reads what has the wrong kind without falling over, and keeps an empty part in its place", () => {
  const text =
    "spec:\n  channels: ops\n  match: {namespaces: data, matchLabels: [a]}\n  escalate: [{after: 15}]\n";
  expect(readRoute(text)).toMatchObject({
    ...{ channels: ["ops"], namespaces: ["data"], labels: {} },
    escalate: [{ after: "15", channels: [] }],
  });
  expect(withPart(text, ["spec", "escalate", 0, "after"], "")).toContain('escalate: [{after: ""}]');
  expect(readRoute("spec: [1]")).toBeNull();
});

it("knows durations, times and zones as the API does", () => {
  expect([seconds("1h30m"), seconds("1w"), seconds("90"), seconds(""), seconds("5m1h")]).toEqual([
    ...[5400, 604_800, null, null, null],
  ]);
  const after = (...all: string[]) => all.map((each) => ({ after: each, channels: ["a"] }));
  expect(afterProblem(after("30s"), 0)).toBe("From 1m to 7d.");
  expect(afterProblem(after("8d"), 0)).toBe("From 1m to 7d.");
  expect(afterProblem(after("1w"), 0)).toBeUndefined();
  expect(afterProblem(after("60m", "1h"), 1)).toMatch("Must be later than step 1");
  expect([nextAfter([]), nextAfter(after("15m")), nextAfter(after("12h")), nextAfter(after("7d"))]).toEqual([
    ...["15m", "30m", "1d", "7d"],
  ]);
  expect([timeProblem("23:59"), timeProblem("")]).toEqual([undefined, "This is needed."]);
  expect(timeProblem("24:00")).toMatch("is not a time of day");
  expect([zoneProblem(""), zoneProblem("UTC"), zoneProblem("Asia/Calcutta")]).toEqual([
    undefined,
    undefined,
    undefined,
  ]);
  expect(zoneProblem("europe/london")).toBe("Write Europe/London.");
  expect(zoneProblem("+01:00")).toMatch("is not a time zone");
});
