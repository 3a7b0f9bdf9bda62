/** One line of a unified diff, with its number on the side where it is. */
export type DiffLine =
  | { kind: "added"; text: string; after: number }
  | { kind: "removed"; text: string; before: number }
  | { kind: "same"; text: string; before: number; after: number }
  | { kind: "gap" | "note"; text: string };

const HUNK = /^@@ -(\d+)(?:,\d+)? \+(\d+)(?:,\d+)? @@ ?(.*)$/;

/** Reads the diff of one file, as `git diff` or Python's difflib write it. The names of the file are left out. */
export function parseDiff(diff: string): DiffLine[] {
  const lines: DiffLine[] = [];
  let before = 0;
  let after = 0;
  let inside = false;
  for (const line of diff.replace(/\n$/, "").split("\n")) {
    const hunk = HUNK.exec(line);
    if (hunk) {
      before = Number(hunk[1]);
      after = Number(hunk[2]);
      // The first one needs saying only when it does not begin at the top.
      if (inside || Math.max(before, after) > 1) lines.push({ kind: "gap", text: hunk[3] ?? "" });
      inside = true;
    } else if (inside && line.startsWith("+")) {
      lines.push({ kind: "added", text: line.slice(1), after: after++ });
    } else if (inside && line.startsWith("-")) {
      lines.push({ kind: "removed", text: line.slice(1), before: before++ });
    } else if (inside && (line.startsWith(" ") || line === "")) {
      lines.push({ kind: "same", text: line.slice(1), before: before++, after: after++ });
    } else if (inside) {
      lines.push({ kind: "note", text: line });
    }
  }
  return lines;
}

/** The diff of a file that goes. */
export function removalDiff(text: string): string {
  const lines = text.replace(/\n$/, "").split("\n");
  return [`@@ -1,${lines.length} +0,0 @@`, ...lines.map((line) => `-${line}`), ""].join("\n");
}

export function countDiff(lines: DiffLine[]): { added: number; removed: number } {
  const count = (kind: DiffLine["kind"]) => lines.filter((line) => line.kind === kind).length;
  return { added: count("added"), removed: count("removed") };
}
