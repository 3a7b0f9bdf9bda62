import { HttpResponse, http } from "msw";
import type { ImportBody } from "@/client/types";
import type { World } from "./data";
import { importInto } from "./import-crontab";
import { page, problem, query, V1 } from "./respond";

const KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGx3dT0pN8mVq4s1bT0mJrYc7Wv5kHdQz2LfXo9uEaRt";

export const repositoryHandlers = (world: World) => [
  http.get(`${V1}/repository`, () =>
    HttpResponse.json({
      slug: "job-manifests-acme",
      clone_url: world.session?.repository.clone_url,
      commit: world.jobs.length > 0 ? "4f2a9c1e7b3d58a6c0e91f24d7b8a35e6c1f0d92" : null,
      projected_at: world.jobs[0]?.changed_at ?? null,
      jobs: world.jobs.length,
      jobs_limit: 10_000,
      invalid_files: world.invalid,
    }),
  ),
  http.get(`${V1}/documents`, ({ request }) => HttpResponse.json(page(world.documents, request))),
  http.get(`${V1}/signers`, () =>
    HttpResponse.json({
      allowed_signers: `* namespaces="git" ${KEY}\n`,
      current: { public_key: KEY, fingerprint: "SHA256:5tq0mW3vV0c1rDxJ7Yp2hKfE8uLzQnBsGa4TiRo6MdE" },
    }),
  ),
  http.get(`${V1}/plan`, ({ request }) => {
    const ref = query(request, "ref") ?? "";
    const plan = world.branches.get(ref);
    if (plan) return HttpResponse.json(plan);
    return problem(404, "not_found", `The repository has no branch or commit ${ref}.`, {
      hint: "Push the branch first.",
    });
  }),
  // A pattern, since MSW would read ":import" as a parameter.
  http.post(/\/api\/v1\/jobs:import/, async ({ request }) => {
    const body = (await request.json()) as ImportBody;
    return HttpResponse.json(importInto(world, body, query(request, "dry_run") === "true"));
  }),
];
