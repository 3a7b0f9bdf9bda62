import { expect, it } from "vitest";
import { safeRedirect } from "./redirect";

it.each([
  [undefined, "/jobs"],
  ["/runs?state=failure", "/runs?state=failure"],
  ["//evil.example/x", "/jobs"],
  ["/\\evil.example", "/jobs"],
  ["https://evil.example", "/jobs"],
  ["javascript:alert(1)", "/jobs"],
])("%s leads to %s", (target, to) => {
  expect(safeRedirect(target)).toBe(to);
});
