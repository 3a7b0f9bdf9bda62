import { expect, it } from "vitest";
import { countDiff, parseDiff, removalDiff } from "./diff";

const CHANGED = `--- a/default/a.yaml
+++ b/default/a.yaml
@@ -1,3 +1,3 @@
 kind: Job
--- not a header
+++ no header either
 spec:
@@ -20,2 +20,1 @@
-  grace: 10m
   timeout: 1h
`;

it("numbers the lines of both sides", () => {
  expect(parseDiff(CHANGED)).toEqual([
    { kind: "same", text: "kind: Job", before: 1, after: 1 },
    { kind: "removed", text: "-- not a header", before: 2 },
    { kind: "added", text: "++ no header either", after: 2 },
    { kind: "same", text: "spec:", before: 3, after: 3 },
    { kind: "gap", text: "" },
    { kind: "removed", text: "  grace: 10m", before: 20 },
    { kind: "same", text: "  timeout: 1h", before: 21, after: 20 },
  ]);
  expect(countDiff(parseDiff(CHANGED))).toEqual({ added: 1, removed: 2 });
});

it("reads a new file, and a note", () => {
  expect(parseDiff("--- /dev/null\n+++ b/x\n@@ -0,0 +1,2 @@\n+a\n+b\n… the rest is not shown\n")).toEqual([
    { kind: "added", text: "a", after: 1 },
    { kind: "added", text: "b", after: 2 },
    { kind: "note", text: "… the rest is not shown" },
  ]);
});

it("shows a file that goes", () => {
  expect(parseDiff(removalDiff("a\nb\n"))).toEqual([
    { kind: "removed", text: "a", before: 1 },
    { kind: "removed", text: "b", before: 2 },
  ]);
});

it("is empty when nothing differs", () => expect(parseDiff("")).toEqual([]));
