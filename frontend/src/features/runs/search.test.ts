import { expect, it, test } from "vitest";
import { exportUrl, runsSearch, withLabel, withoutLabel } from "./search";

test("an export has the filters of the list, and its span as an instant", () => {
  const now = Date.UTC(2026, 10, 22, 12);
  expect(
    exportUrl({ state: "failure", job: "default/a&b", window: "1h", label: undefined }, "csv", now),
  ).toBe("/api/v1/runs?format=csv&state=failure&job=default%2Fa%26b&since=2026-11-22T11%3A00%3A00.000Z");
  expect(exportUrl({}, "ndjson", now)).toBe("/api/v1/runs?format=ndjson");
  expect(exportUrl({ label: ["team=db", "tier=gold"] }, "csv", now)).toBe(
    "/api/v1/runs?format=csv&label=team%3Ddb&label=tier%3Dgold",
  );
});

it.each([
  ["team=db", ["team=db"]],
  [
    ["team=db", "tier=gold"],
    ["team=db", "tier=gold"],
  ],
  [["nonsense", "=x", "a=b=c", {}, "team="], ["team="]],
  [["team=db", "team=web"], ["team=web"]],
  ["nonsense", undefined],
  [[], undefined],
])("reads labels from %j", (raw, label) => {
  expect(runsSearch({ label: raw }).label).toEqual(label);
});

test("a label takes the place of the one with its key, and can be taken away", () => {
  expect(withLabel(["team=db", "tier=gold"], " team=web ")).toEqual(["tier=gold", "team=web"]);
  expect(withLabel(["team=db"], "web")).toBeUndefined();
  expect(withoutLabel(["team=db", "tier=gold"], "team=db")).toEqual(["tier=gold"]);
  expect(withoutLabel(["team=db"], "team=db")).toBeUndefined();
});
