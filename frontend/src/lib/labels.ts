const PART = /^[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$/;

/** Reads `key=value, key=value`. Returns the word that is wrong instead when one is. */
export function parseLabels(text: string): { labels: Record<string, string> } | { wrong: string } {
  const labels: Record<string, string> = {};
  for (const pair of text.split(/[,\s]+/).filter(Boolean)) {
    const [key = "", value = "", ...rest] = pair.split("=");
    if (!PART.test(key) || !PART.test(value) || rest.length > 0) return { wrong: pair };
    labels[key] = value;
  }
  return { labels };
}
