import { expect, it } from "vitest";
import { readManifest } from "@/components/domain/manifest-text";
import { TEMPLATES } from "./templates";

it("reads the address of both templates", () => {
  expect(readManifest(TEMPLATES.ping)).toEqual({ namespace: "default", name: "nightly-report", errors: [] });
  expect(readManifest(TEMPLATES.agent)).toMatchObject({ name: "hello", errors: [] });
});

it("takes the default namespace when none is written", () => {
  expect(readManifest("metadata: {name: a}")).toMatchObject({ namespace: "default", name: "a" });
});

it("places errors of YAML by line", () => {
  const { errors } = readManifest("metadata:\n  name: a\n  name: b\n");
  expect(errors).toHaveLength(1);
  expect(errors[0]).toMatchObject({ line: 3, code: "invalid_yaml" });
});

it.each(["", "just text", "- a\n- b\n", "metadata: 3"])("survives %j", (text) => {
  expect(readManifest(text).name).toBe("");
});
