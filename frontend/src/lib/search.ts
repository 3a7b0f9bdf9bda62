/**
 * Reads what an address says. Nonsense in it is dropped, never an error page. Plain functions and not zod:
 * the search parameters of every route are in the first download, zod only where there are forms.
 */

/** The router parses `?q=123` as a number; it is text all the same. */
export const text = (value: unknown): string | undefined =>
  (typeof value === "string" && value !== "") || typeof value === "number" ? String(value) : undefined;

/** `?a=1&a=2`, or `?a=1` alone. */
export function listOf(value: unknown): string[] | undefined {
  const all = (Array.isArray(value) ? value : [value]).map(text).filter((each) => each !== undefined);
  return all.length > 0 ? all : undefined;
}

export const oneOf = <T extends string>(all: readonly T[], value: unknown): T | undefined =>
  all.find((each) => each === value);

export type Raw = Record<string, unknown>;
