import type { ImportBody, Imported } from "@/client/types";
import { makeJob, type World } from "./data";
import { newCommit, planFor } from "./repository";

const LINE = /^((?:\S+\s+){5})(.+)$/;

function textOf(body: ImportBody): string {
  if (typeof body.text === "string") return body.text;
  const bytes = Uint8Array.from(atob(body.base64 ?? ""), (letter) => letter.charCodeAt(0));
  return new TextDecoder(bytes[0] === 0xff ? "utf-16le" : "utf-8").decode(bytes);
}

function nameOf(command: string, taken: Set<string>): string {
  const base =
    (command.split(/\s/)[0] ?? "")
      .split("/")
      .pop()
      ?.replace(/\.\w+$/, "") || "job";
  let name = base.toLowerCase().replace(/[^a-z0-9]+/g, "-");
  while (taken.has(name)) name += "-2";
  taken.add(name);
  return name;
}

function yamlOf(body: ImportBody, name: string, schedule: string, command: string): string {
  const labels = Object.entries(body.match_labels ?? {}).map(([key, value]) => `${key}: ${value}`);
  return [
    "apiVersion: crontopus/v1",
    "kind: Job",
    "metadata:",
    `  name: ${name}`,
    `  namespace: ${body.namespace ?? "default"}`,
    "spec:",
    `  schedule: "${schedule}"`,
    `  timezone: ${body.timezone ?? "UTC"}`,
    `  command: ${JSON.stringify(command)}`,
    "  shell: true",
    ...(labels.length ? [`  selector: {matchLabels: {${labels.join(", ")}}}`] : []),
    "",
  ].join("\n");
}

/** Reads a crontab well enough to show every part of the page. */
export function importInto(world: World, body: ImportBody, dryRun: boolean): Imported {
  const imported: Imported = { jobs: [], problems: [], settings: [], plan: null, commit: null };
  const namespace = body.namespace ?? "default";
  const taken = new Set(world.jobs.filter((job) => job.namespace === namespace).map(({ name }) => name));
  for (const [index, raw] of textOf(body).split(/\r?\n/).entries()) {
    const [source, line] = [raw.trim(), index + 1];
    const found = LINE.exec(source);
    if (!source || source.startsWith("#")) continue;
    if (/^\w+\s*=/.test(source)) {
      imported.settings.push({ line, source, effect: "Written into the env of the jobs after it." });
    } else if (source.startsWith("@reboot") || !found) {
      imported.problems.push({
        ...{
          line,
          source,
          reason: source.startsWith("@reboot") ? "It runs at boot, not at a time." : "Not a schedule.",
        },
        hint: source.startsWith("@reboot") ? "Make it a service of the machine." : null,
      });
    } else {
      const [, schedule = "", command = ""] = found;
      const name = nameOf(command, taken);
      const yaml = yamlOf(body, name, schedule.trim(), command);
      const warnings = command.includes("%") ? ["% stood for a line break in the crontab."] : [];
      imported.jobs.push({ name, path: `${namespace}/${name}.yaml`, yaml, line, source, warnings });
    }
  }
  const jobs = imported.jobs.map(({ name, yaml }) => ({
    ...makeJob({ namespace, name, mode: "agent", schedule: [/"(.*)"/.exec(yaml)?.[1] ?? ""], state: "new" }),
    yaml,
  }));
  if (dryRun)
    return {
      ...imported,
      plan: planFor(
        world,
        jobs.map((job) => ({ job, before: null, after: job.yaml })),
      ),
    };
  world.jobs.push(...jobs);
  return { ...imported, commit: newCommit() };
}
