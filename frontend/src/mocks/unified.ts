/** The longest common subsequence's table: fine for files as small as manifests. */
function table(a: string[], b: string[]): number[][] {
  const rows = Array.from({ length: a.length + 1 }, () => new Array<number>(b.length + 1).fill(0));
  for (let i = a.length - 1; i >= 0; i -= 1) {
    for (let j = b.length - 1; j >= 0; j -= 1) {
      const [here, below] = [rows[i] ?? [], rows[i + 1] ?? []];
      here[j] = a[i] === b[j] ? (below[j + 1] ?? 0) + 1 : Math.max(below[j] ?? 0, here[j + 1] ?? 0);
    }
  }
  return rows;
}

const linesOf = (text: string | null) => (text ? text.replace(/\n$/, "").split("\n") : []);

/** As the server's diffs look, in one hunk. Empty when nothing differs. */
export function unifiedDiff(before: string | null, after: string | null, from: string, to = from): string {
  if (before === after) return "";
  const [a, b] = [linesOf(before), linesOf(after)];
  const rows = table(a, b);
  const lines: string[] = [];
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      lines.push(` ${a[i++]}`);
      j += 1;
    } else if (i < a.length && (j >= b.length || (rows[i + 1]?.[j] ?? 0) >= (rows[i]?.[j + 1] ?? 0))) {
      lines.push(`-${a[i++]}`);
    } else {
      lines.push(`+${b[j++]}`);
    }
  }
  const hunk = `@@ -${a.length ? 1 : 0},${a.length} +${b.length ? 1 : 0},${b.length} @@`;
  const names = [
    `--- ${before === null ? "/dev/null" : `a/${from}`}`,
    `+++ ${after === null ? "/dev/null" : `b/${to}`}`,
  ];
  return `${[...names, hunk, ...lines].join("\n")}\n`;
}
