import { expect, it } from "vitest";
import { auditSearch, wanted } from "./search";

it("drops nonsense in the address", () => {
  expect(auditSearch({ action: "'; drop", since: "yesterday", actor: "", until: "2026-11-31x" })).toEqual({
    actor: undefined,
    action: undefined,
    subject: undefined,
    since: undefined,
    until: undefined,
  });
});

it("asks for whole days, the last of them included", () => {
  expect(wanted(auditSearch({ since: "2026-11-01", until: "2026-11-30", action: "token" }))).toMatchObject({
    action: "token",
    since: "2026-11-01T00:00:00Z",
    until: "2026-12-01T00:00:00.000Z",
  });
});
