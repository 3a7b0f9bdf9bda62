// ESC [ … letter (colours, cursor), ESC ] … BEL or ESC \ (titles, links), and lone two-byte escapes.
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for
const ANSI = /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)|[@-Z\\-_])/g;

/**
 * Output as a terminal would leave it: escape codes gone, and of a line redrawn with carriage returns
 * (progress bars) only its last state.
 */
export function plainText(output: string): string {
  return output
    .replace(ANSI, "")
    .replace(/\r\n/g, "\n")
    .split("\n")
    .map((line) => (line.includes("\r") ? (line.split("\r").filter(Boolean).at(-1) ?? "") : line))
    .join("\n");
}
