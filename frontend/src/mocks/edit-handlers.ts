import { HttpResponse, http } from "msw";
import type { Job, ProblemBody } from "@/client/types";
import { makeJob, type World } from "./data";
import { commitTo, type FileEdit, planFor, versionsOf } from "./repository";
import { notFound, page, problem, query, V1 } from "./respond";
import { unifiedDiff } from "./unified";

export const find = (world: World, params: { namespace?: unknown; name?: unknown }) =>
  world.jobs.find((job) => job.namespace === params.namespace && job.name === params.name);
const findAny = (world: World, params: { namespace?: unknown; name?: unknown }) =>
  find(world, params) ??
  world.gone.find((job) => job.namespace === params.namespace && job.name === params.name);

const dry = (request: Request) => query(request, "dry_run") === "true";
const stale = (request: Request, job: Job | undefined) => {
  const etag = request.headers.get("If-Match");
  return etag !== null && etag !== job?.etag;
};
const staleProblem = (job: Job | undefined) =>
  problem(409, "stale_etag", "Conflict", {
    detail: `${job?.path ?? "The job"} was changed since you fetched it.`,
    hint: "Fetch it again, look at the difference, and repeat your change.",
  });

/** Enough of the server's judgement to see its errors in the editor: an unknown key, a bad minute. */
function judge(yaml: string, file: string): ProblemBody["errors"] {
  const errors: NonNullable<ProblemBody["errors"]> = [];
  for (const [index, line] of yaml.split("\n").entries()) {
    if (/^ {2}timezon:/.test(line)) {
      errors.push({
        ...{ file, line: index + 1, column: 3, path: "spec.timezon", code: "unknown_key" },
        message: "`timezon` is not a key of spec.",
        hint: "Did you mean `timezone`?",
      });
    }
    if (/schedule: "?99/.test(line)) {
      errors.push({
        ...{ file, line: index + 1, column: 13, path: "spec.schedule", code: "invalid_schedule" },
        message: "Minute 99 is out of range 0–59.",
      });
    }
  }
  return errors;
}

function blank(namespace: string, name: string, yaml: string): Job {
  const mode = /^\s+command:/m.test(yaml) ? "agent" : "ping";
  return { ...makeJob({ namespace, name, mode, schedule: ["0 2 * * *"], state: "new" }), yaml };
}

async function putJob(world: World, namespace: string, name: string, request: Request) {
  const yaml = await request.text();
  const found = find(world, { namespace, name });
  const errors = judge(yaml, `${namespace}/${name}.yaml`);
  if (errors?.length) return problem(422, "invalid_manifest", "The manifest is invalid", { errors });
  if (found && request.headers.get("If-None-Match") === "*") {
    return problem(409, "already_exists", `${namespace}/${name} exists already`, {
      hint: "Choose another name, or edit that job.",
    });
  }
  if (stale(request, found)) return staleProblem(found);
  const job = found ?? blank(namespace, name, yaml);
  const plan = planFor(world, [{ job, before: found?.yaml ?? null, after: yaml }]);
  if (dry(request)) return HttpResponse.json(plan);
  if (!plan.applicable)
    return problem(422, "invalid_manifest", "The manifest is refused", { errors: plan.errors });
  if (!found) world.jobs.unshift(job);
  if (!found) world.versions.set(job.id, []);
  const verb = found ? "Change" : "Add";
  commitTo(
    world,
    job,
    found ? "changed" : "created",
    query(request, "message") ?? `${verb} ${namespace}/${name}`,
    yaml,
  );
  return HttpResponse.json(job, { status: found ? 200 : 201 });
}

/** A change of one job that is there: planned, or done by `act`. */
function change(
  world: World,
  request: Request,
  job: Job | undefined,
  edit: (job: Job) => FileEdit,
  act: (job: Job) => void,
) {
  if (!job) return notFound("Job");
  if (stale(request, job)) return staleProblem(job);
  if (dry(request)) return HttpResponse.json(planFor(world, [edit(job)]));
  act(job);
  return HttpResponse.json(job);
}

const withPaused = (yaml: string, paused: boolean) =>
  /^ {2}paused:.*$/m.test(yaml)
    ? yaml.replace(/^ {2}paused:.*$/m, `  paused: ${paused}`)
    : `${yaml.trimEnd()}\n  paused: ${paused}\n`;

function pauseHandler(world: World, verb: "pause" | "resume") {
  return http.post(`${V1}/jobs/:namespace/:name/${verb}`, ({ params, request }) => {
    const text = (job: Job) => withPaused(job.yaml, verb === "pause");
    const title = verb === "pause" ? "Pause" : "Resume";
    return change(
      world,
      request,
      find(world, params),
      (job) => ({ job, before: job.yaml, after: text(job) }),
      (job) => commitTo(world, job, "changed", `${title} ${job.namespace}/${job.name}`, text(job)),
    );
  });
}

type Address = { namespace: string; name: string };

function moveHandler(world: World, verb: "rename" | "adopt") {
  return http.post(`${V1}/jobs/:namespace/:name/${verb}`, async ({ params, request }) => {
    const to = (await request.json()) as Address & { command?: string };
    if (find(world, to))
      return problem(409, "already_exists", `There is a job ${to.namespace}/${to.name} already.`);
    const address = { namespace: to.namespace, name: to.name, path: `${to.namespace}/${to.name}.yaml` };
    const text = (job: Job) =>
      job.yaml
        .replace(/^ {2}name:.*$/m, `  name: ${to.name}\n  id: ${job.id}`)
        .replace(/^ {2}namespace:.*$/m, `  namespace: ${to.namespace}`)
        .replace(/^ {2}command:.*$/m, (line) => (to.command ? `  command: ${to.command}` : line));
    return change(
      world,
      request,
      find(world, params),
      (job) => ({ job: { ...job, ...address }, before: job.yaml, after: text(job), from: job.path }),
      (job) => {
        const yaml = text(job);
        versionsOf(world, job);
        Object.assign(job, address);
        commitTo(world, job, "renamed", `Rename ${String(params.name)} as ${to.namespace}/${to.name}`, yaml);
      },
    );
  });
}

function rollbackHandler(world: World) {
  return http.post(`${V1}/jobs/:namespace/:name/rollback`, async ({ params, request }) => {
    const { commit, message } = (await request.json()) as { commit: string; message?: string };
    const job = findAny(world, params);
    const yaml = job && versionsOf(world, job).find((version) => version.commit === commit)?.yaml;
    if (!job || !yaml) return notFound("Version");
    const gone = world.gone.includes(job);
    if (dry(request))
      return HttpResponse.json(planFor(world, [{ job, before: gone ? null : job.yaml, after: yaml }]));
    if (gone) {
      world.gone = world.gone.filter((other) => other !== job);
      world.jobs.unshift(job);
    }
    const words = `Roll back ${job.namespace}/${job.name} to ${commit.slice(0, 12)}`;
    commitTo(world, job, gone ? "created" : "changed", message ?? words, yaml);
    return HttpResponse.json(job);
  });
}

function deleteHandler(world: World) {
  return http.delete(`${V1}/jobs/:namespace/:name`, ({ params, request }) => {
    const answer = change(
      world,
      request,
      find(world, params),
      (job) => ({ job, before: job.yaml, after: null }),
      (job) => {
        commitTo(world, job, "deleted", `Delete ${job.namespace}/${job.name}`, null);
        world.jobs = world.jobs.filter((other) => other !== job);
        world.gone.push(job);
      },
    );
    return answer.ok && !dry(request) ? new HttpResponse(null, { status: 204 }) : answer;
  });
}

function versionHandlers(world: World) {
  return [
    http.get(`${V1}/jobs/:namespace/:name/history`, ({ params, request }) => {
      const job = findAny(world, params);
      if (!job) return notFound("Job");
      const items = versionsOf(world, job).map(({ yaml: _, ...version }) => version);
      return HttpResponse.json(page(items, request));
    }),
    http.get(`${V1}/jobs/:namespace/:name/diff`, ({ params, request }) => {
      const job = findAny(world, params);
      const versions = job ? versionsOf(world, job) : [];
      const at = versions.findIndex(({ commit }) => commit === query(request, "to"));
      const [version, older] = [versions[at], versions[at + 1]];
      // As the server: a commit that removed the file holds no version of it.
      if (version?.yaml == null) return notFound("Version");
      return HttpResponse.json({
        from_commit: older?.commit ?? null,
        to_commit: version.commit,
        diff: unifiedDiff(older?.yaml ?? null, version.yaml, older?.path ?? version.path, version.path),
        before: older?.yaml ?? null,
        after: version.yaml,
      });
    }),
  ];
}

export const editHandlers = (world: World) => [
  http.put(`${V1}/jobs/:namespace/:name`, ({ params, request }) =>
    putJob(world, String(params.namespace), String(params.name), request),
  ),
  deleteHandler(world),
  pauseHandler(world, "pause"),
  pauseHandler(world, "resume"),
  moveHandler(world, "rename"),
  moveHandler(world, "adopt"),
  rollbackHandler(world),
  ...versionHandlers(world),
];
