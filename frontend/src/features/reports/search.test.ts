import { expect, it, test } from "vitest";
import { reportsSearch, spanOf, spanText } from "./search";

it.each([
  [
    { by: "endpoints", days: 7 },
    { by: "endpoints", days: 7 },
  ],
  [{ by: "jobs", days: "90" }, { days: 90 }],
  [{ by: 1, days: 30 }, {}],
  [{ days: "week" }, {}],
])("reads %j", (raw, search) => {
  expect(reportsSearch(raw)).toEqual(search);
});

test("a span has as many days as asked for, in UTC, today included", () => {
  const late = Date.parse("2026-11-22T23:59:59Z");
  expect(spanOf({ days: 7 }, late)).toEqual({ from: "2026-11-16", to: "2026-11-22" });
  expect(spanOf({}, late)).toEqual({ from: "2026-10-24", to: "2026-11-22" });
  expect(spanOf({ days: 90 }, Date.parse("2026-11-22T00:00:00Z"))).toEqual({
    from: "2026-08-25",
    to: "2026-11-22",
  });
});

test("a span in words names the year it began in only where it is another", () => {
  expect(spanText({ from: "2026-11-16", to: "2026-11-22" })).toBe("16 Nov – 22 Nov 2026");
  expect(spanText({ from: "2026-12-30", to: "2027-01-05" })).toBe("30 Dec 2026 – 5 Jan 2027");
});
