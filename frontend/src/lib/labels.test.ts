import { expect, it } from "vitest";
import { parseLabels } from "./labels";

it.each([
  ["", {}],
  ["role=db", { role: "db" }],
  ["role=db, env=prod  site=leeds-2", { role: "db", env: "prod", site: "leeds-2" }],
])("%j", (text, labels) => {
  expect(parseLabels(text)).toEqual({ labels });
});

it.each([["role"], ["=db"], ["a=b=c"], ["role=d b="], ["-a=b"]])("refuses %j", (text) => {
  expect(parseLabels(text)).toHaveProperty("wrong");
});
