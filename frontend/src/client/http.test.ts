import { HttpResponse, http } from "msw";
import { describe, expect, it } from "vitest";
import { server } from "@/test/server";
import { api } from "./api";
import { doEdit } from "./edits";
import { Problem, Unreachable } from "./problem";

const failing = (run: () => Promise<unknown>) =>
  run().then(
    () => Promise.reject(new Error("it should have failed")),
    (error: unknown) => error,
  );

describe("request", () => {
  it("turns problem+json into a Problem with all it says", async () => {
    const errors = [{ line: 4, column: 3, code: "unknown_key", message: "no such key", hint: "?" }];
    server.use(
      http.get("*/api/v1/jobs/:ns/:name", () =>
        HttpResponse.json(
          {
            type: "about:blank",
            title: "Bad",
            status: 429,
            code: "slow_down",
            detail: "Too fast.",
            hint: "Wait.",
            errors,
          },
          { status: 429, headers: { "Content-Type": "application/problem+json", "Retry-After": "7" } },
        ),
      ),
    );
    const error = await failing(() => api.job("default", "hello"));
    expect(error).toBeInstanceOf(Problem);
    expect(error).toMatchObject({
      status: 429,
      code: "slow_down",
      message: "Too fast.",
      hint: "Wait.",
      errors,
      retryAfterSeconds: 7,
    });
  });

  it("makes a Problem of a proxy's HTML page", async () => {
    server.use(
      http.get("*/api/v1/auth/me", () => HttpResponse.html("<h1>Bad gateway</h1>", { status: 502 })),
    );
    expect(await failing(() => api.me())).toMatchObject({ name: "Problem", status: 502, code: "http_502" });
  });

  it("says that nothing answered", async () => {
    server.use(http.get("*/api/v1/auth/me", () => HttpResponse.error()));
    expect(await failing(() => api.me())).toBeInstanceOf(Unreachable);
  });

  it("sends YAML as it is, guarded by the entity tag, and escapes the address", async () => {
    let seen: { url: string; type: string | null; match: string | null; body: string } | undefined;
    server.use(
      http.put("*/api/v1/jobs/:ns/:name", async ({ request }) => {
        const { headers, url } = request;
        seen = {
          url,
          type: headers.get("Content-Type"),
          match: headers.get("If-Match"),
          body: await request.text(),
        };
        return HttpResponse.json({});
      }),
    );
    await doEdit({
      kind: "save",
      namespace: "a b",
      name: "c/d",
      yaml: "spec: {}\n",
      guard: { etag: "abc" },
      message: "why not",
    });
    expect(seen?.url).toContain("/jobs/a%20b/c%2Fd?message=why+not");
    expect(seen).toMatchObject({ type: "application/yaml", match: '"abc"', body: "spec: {}\n" });
  });
});
