import { expect, it } from "vitest";
import { plainText } from "./plain-text";

it.each([
  ["\u001b[31merror:\u001b[0m no", "error: no"],
  ["\u001b]8;;https://x.example\u0007link\u001b]8;;\u0007", "link"],
  ["10%\r50%\r100%\nend", "100%\nend"],
  ["10%\r100%\r", "100%"],
  ["a\r\nb\r\n", "a\nb\n"],
  ["C:\\path [1] 100%", "C:\\path [1] 100%"],
])("%j reads %j", (raw, text) => {
  expect(plainText(raw)).toBe(text);
});
