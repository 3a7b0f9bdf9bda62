import { expect, test } from "vitest";
import { exportUrl } from "./search";

test("an export has the filters of the list, and its span as an instant", () => {
  const now = Date.UTC(2026, 10, 22, 12);
  expect(
    exportUrl({ state: "failure", job: "default/a&b", window: "1h", label: undefined }, "csv", now),
  ).toBe("/api/v1/runs?format=csv&state=failure&job=default%2Fa%26b&since=2026-11-22T11%3A00%3A00.000Z");
  expect(exportUrl({}, "ndjson", now)).toBe("/api/v1/runs?format=ndjson");
});
