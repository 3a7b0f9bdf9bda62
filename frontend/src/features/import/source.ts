import type { ImportKind } from "@/client/types";

/** What is imported: pasted text, or a file as its bytes, since the Task Scheduler exports UTF-16. */
export type Source = { text: string } | { file: string; size: number; base64: string };

/** As much as the server takes. */
export const MOST_BYTES = 1_000_000;

export const isEmpty = (source: Source): boolean => "text" in source && source.text.trim() === "";

/** What it looks like; null: what was chosen will be right. */
export function guessKind(name: string, start: string): ImportKind | null {
  if (/\.xml$/i.test(name) || start.trimStart().startsWith("<")) return "task-scheduler";
  // Only the system's crontab names a user in each line; its comment in Debian says so.
  if (/cron\.d\/|system-wide crontab/.test(`${name}\n${start}`)) return "system-crontab";
  return null;
}

function bytesOf(file: File): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(new Uint8Array(reader.result as ArrayBuffer));
    reader.onerror = () => reject(reader.error);
    reader.readAsArrayBuffer(file);
  });
}

/** Reads a file without guessing its encoding. */
export async function readSource(file: File): Promise<{ source: Source; start: string }> {
  const bytes = await bytesOf(file);
  let binary = "";
  // In parts: an argument list has a limit.
  for (let at = 0; at < bytes.length; at += 8192) {
    binary += String.fromCharCode(...bytes.subarray(at, at + 8192));
  }
  const utf16 = bytes[0] === 0xff && bytes[1] === 0xfe;
  const start = new TextDecoder(utf16 ? "utf-16le" : "utf-8").decode(bytes.subarray(0, 400));
  return { source: { file: file.name, size: file.size, base64: btoa(binary) }, start };
}
