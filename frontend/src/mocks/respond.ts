import { type DefaultBodyType, HttpResponse, type StrictRequest } from "msw";
import type { Page, ProblemBody } from "@/client/types";

export const V1 = "*/api/v1";

export function problem(status: number, code: string, title: string, more: Partial<ProblemBody> = {}) {
  const body: ProblemBody = { type: "about:blank", title, detail: title, status, code, ...more };
  return HttpResponse.json(body, { status, headers: { "Content-Type": "application/problem+json" } });
}

export const notFound = (what: string) => problem(404, "not_found", `${what} not found`);

export function page<T>(items: T[], request: StrictRequest<DefaultBodyType>): Page<T> {
  const search = new URL(request.url).searchParams;
  const limit = Number(search.get("limit") ?? 50);
  const start = Number(search.get("cursor") ?? 0);
  const end = start + limit;
  return { items: items.slice(start, end), next_cursor: end < items.length ? String(end) : null };
}

export const query = (request: Request, name: string) => new URL(request.url).searchParams.get(name);
