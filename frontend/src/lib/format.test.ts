import { describe, expect, it } from "vitest";
import { formatBytes, formatDuration, formatLocal, formatRelative, formatShare, sentence } from "./format";

describe("formatDuration", () => {
  it.each([
    [0, "0 ms"],
    [0.0412, "41 ms"],
    [0.9996, "1 s"],
    [4.24, "4.2 s"],
    [9.96, "10 s"],
    [59.4, "59 s"],
    [59.6, "1 min"],
    [200, "3 min 20 s"],
    [7500, "2 h 5 min"],
    [86_400 * 3 + 3600 * 4, "3 d 4 h"],
    [-3, "0 s"],
  ])("%s s is %s", (seconds, text) => {
    expect(formatDuration(seconds)).toBe(text);
  });
});

describe("formatRelative", () => {
  const now = Date.parse("2026-11-22T12:00:00Z");
  const at = (seconds: number) => formatRelative(now + seconds * 1000, now);
  it.each([
    [0, "just now"],
    [-1, "just now"],
    [-5, "5 s ago"],
    [59, "in 59 s"],
    [60, "in 1 min"],
    [-3599, "59 min ago"],
    [7200, "in 2 h"],
    [-47 * 3600, "47 h ago"],
    [-48 * 3600, "2 d ago"],
    [-40 * 86_400, "13 Oct"],
    [70 * 86_400, "31 Jan 2027"],
  ])("%s s away is %s", (seconds, text) => {
    expect(at(seconds)).toBe(text);
  });
});

it("keeps the wall clock of the job's own zone", () => {
  expect(formatLocal("2026-11-23T02:00:00+13:00")).toBe("Mon 23 Nov, 02:00");
});

it.each([
  [0, "0 B"],
  [1023, "1023 B"],
  [65_536, "64 KiB"],
  [1_300_000, "1.2 MiB"],
])("%s bytes are %s", (bytes, text) => {
  expect(formatBytes(bytes)).toBe(text);
});

it.each([
  ["this is no line cron would run", "This is no line cron would run."],
  ["`timezon` is not a key.", "`timezon` is not a key."],
  ["did you mean `timezone`?", "Did you mean `timezone`?"],
])("makes a sentence of %j", (text, expected) => {
  expect(sentence(text)).toBe(expected);
});

it.each([
  [1, "100 %"],
  [0.999_999, "99.99 %"],
  [0.9987, "99.87 %"],
  [0.57, "57 %"],
  [0, "0 %"],
])("a share of %d is %s", (share, text) => {
  expect(formatShare(share)).toBe(text);
});
