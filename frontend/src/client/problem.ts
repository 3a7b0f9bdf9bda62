import type { ManifestError, ProblemBody } from "./types";

/** An answer that is not 2xx, as problem+json says it; or one made up here when the server said nothing usable. */
export class Problem extends Error {
  readonly status: number;
  readonly code: string;
  readonly hint: string | undefined;
  readonly errors: ManifestError[];
  /** Seconds the server asked us to wait (`Retry-After`), or null. */
  readonly retryAfterSeconds: number | null;

  constructor(body: ProblemBody, retryAfterSeconds: number | null = null) {
    super(body.detail || body.title);
    this.name = "Problem";
    this.status = body.status;
    this.code = body.code;
    this.hint = body.hint ?? undefined;
    this.errors = body.errors ?? [];
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

/** The request never got an answer: offline, server down, connection reset. */
export class Unreachable extends Error {
  constructor(cause: unknown) {
    super("The Crontopus server did not answer.", { cause });
    this.name = "Unreachable";
  }
}

export const isProblem = (error: unknown, status?: number): error is Problem =>
  error instanceof Problem && (status === undefined || error.status === status);

const isProblemBody = (value: unknown): value is ProblemBody =>
  typeof value === "object" && value !== null && "title" in value && "code" in value && "status" in value;

function retryAfter(response: Response): number | null {
  const seconds = Number(response.headers.get("Retry-After") ?? Number.NaN);
  return Number.isFinite(seconds) ? seconds : null;
}

/** Reads a non-2xx response. A proxy's HTML page becomes a problem too, so that callers handle one type. */
export async function readProblem(response: Response): Promise<Problem> {
  const wait = retryAfter(response);
  if (response.headers.get("Content-Type")?.includes("json")) {
    const body: unknown = await response.json().catch(() => null);
    if (isProblemBody(body)) return new Problem(body, wait);
  }
  return new Problem(
    {
      type: "about:blank",
      title: "Unexpected answer",
      detail: `The server answered ${response.status} ${response.statusText}`.trim(),
      status: response.status,
      code: `http_${response.status}`,
    },
    wait,
  );
}
