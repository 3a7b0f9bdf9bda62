import { readProblem, Unreachable } from "./problem";

export const API = "/api/v1";

/** A list is written as the same name several times. */
type Query = Record<string, string | number | readonly string[] | undefined | null>;

export type RequestOptions = {
  method?: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  query?: Query;
  json?: unknown;
  /** A body that is not JSON, sent as it is. */
  text?: { body: string; type: string };
  headers?: Record<string, string>;
  signal?: AbortSignal | undefined;
};

/** Told the server's `Date` of each answer, so that relative times follow its clock and not the laptop's. */
let onServerDate: (date: string) => void = () => {};
export function watchServerDate(listener: (date: string) => void): void {
  onServerDate = listener;
}

export function withQuery(path: string, query: Query = {}): string {
  const search = new URLSearchParams();
  for (const [key, value] of Object.entries(query)) {
    for (const each of Array.isArray(value) ? value : [value]) {
      if (each !== undefined && each !== null && each !== "") search.append(key, String(each));
    }
  }
  const text = search.toString();
  return text ? `${path}?${text}` : path;
}

async function send(path: string, options: RequestOptions): Promise<Response> {
  const headers = new Headers(options.headers);
  let body: string | undefined;
  if (options.json !== undefined) {
    body = JSON.stringify(options.json);
    headers.set("Content-Type", "application/json");
  } else if (options.text) {
    body = options.text.body;
    headers.set("Content-Type", options.text.type);
  }
  let response: Response;
  try {
    response = await fetch(withQuery(API + path, options.query), {
      method: options.method ?? "GET",
      headers,
      credentials: "same-origin",
      ...(body === undefined ? {} : { body }),
      ...(options.signal ? { signal: options.signal } : {}),
    });
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new Unreachable(error);
  }
  const date = response.headers.get("Date");
  if (date) onServerDate(date);
  if (!response.ok) throw await readProblem(response);
  return response;
}

/** The one door to the API. Throws `Problem` for every non-2xx, `Unreachable` when nothing answered. */
export async function request<T>(path: string, options: RequestOptions = {}): Promise<T> {
  const response = await send(path, {
    ...options,
    headers: { Accept: "application/json", ...options.headers },
  });
  return (response.status === 204 ? undefined : await response.json()) as T;
}

export async function requestText(path: string, options: RequestOptions = {}): Promise<string> {
  const response = await send(path, { ...options, headers: { Accept: "text/plain", ...options.headers } });
  return response.text();
}
