import { expect, it } from "vitest";
import { guessKind, isEmpty, readSource } from "./source";

it.each([
  ["backup.xml", "", "task-scheduler"],
  ["", '<?xml version="1.0"?>', "task-scheduler"],
  ["crontab", "# /etc/crontab: system-wide crontab\n", "system-crontab"],
  ["crontab.txt", "0 2 * * * /opt/a.sh", null],
])("guesses the kind of %j %j", (name, start, kind) => {
  expect(guessKind(name, start)).toBe(kind);
});

it("keeps the bytes of a file as they are", async () => {
  // UTF-16 with a byte order mark, as the Task Scheduler exports: not text that may be decoded and encoded again.
  const bytes = new Uint8Array([0xff, 0xfe, 0x3c, 0x00, 0x54, 0x00, 0xe9, 0x00]);
  const { source, start } = await readSource(new File([bytes], "task.xml"));
  expect(source).toEqual({ file: "task.xml", size: 8, base64: btoa(String.fromCharCode(...bytes)) });
  expect(start).toBe("<Té");
});

it("knows when there is nothing", () => {
  expect(isEmpty({ text: " \n" })).toBe(true);
  expect(isEmpty({ text: "@daily x" })).toBe(false);
});
