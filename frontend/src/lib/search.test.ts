import { expect, it } from "vitest";
import { jobsSearch } from "@/features/jobs/search";
import { oneOf, text } from "./search";

it("keeps what is meant and drops nonsense", () => {
  expect(jobsSearch({ q: 123, state: "purple", namespace: "", other: 1 })).toEqual({ q: "123" });
  expect(text({})).toBeUndefined();
  expect(oneOf(["a", "b"], "b")).toBe("b");
});
