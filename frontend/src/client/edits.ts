import { jobPath } from "./api";
import { type RequestOptions, request } from "./http";
import type { Job, Plan } from "./types";

/** How a save is guarded: against overwriting a newer version, or against overwriting anything at all. */
export type SaveGuard = { etag: string } | { mustBeNew: true };

/** Every way to change one job. Each can be tried out first (`planEdit`) and then done (`doEdit`). */
export type JobEdit = { namespace: string; name: string; message?: string | undefined } & (
  | { kind: "save"; yaml: string; guard: SaveGuard }
  | ({ etag?: string | undefined } & (
      | { kind: "delete" | "pause" | "resume" }
      | { kind: "rename"; to: { namespace: string; name: string } }
      | { kind: "adopt"; to: { namespace: string; name: string }; command?: string | undefined }
      | { kind: "rollback"; commit: string }
    ))
);

/** Entity tags are quoted on the wire; the body's `etag` may come either way. */
const quoted = (etag: string): string => (/^(W\/)?"/.test(etag) ? etag : `"${etag}"`);

export const guarded = (etag: string | undefined): Record<string, string> =>
  etag ? { "If-Match": quoted(etag) } : {};

function bodyOf(edit: JobEdit): RequestOptions {
  const { message } = edit;
  switch (edit.kind) {
    case "save":
      return {
        method: "PUT",
        query: { message },
        text: { body: edit.yaml, type: "application/yaml" },
        headers: "etag" in edit.guard ? guarded(edit.guard.etag) : { "If-None-Match": "*" },
      };
    case "delete":
      return { method: "DELETE", query: { message }, headers: guarded(edit.etag) };
    case "rename":
      return { method: "POST", json: { ...edit.to, message }, headers: guarded(edit.etag) };
    case "adopt":
      return {
        method: "POST",
        json: { ...edit.to, command: edit.command, message },
        headers: guarded(edit.etag),
      };
    case "rollback":
      return { method: "POST", json: { commit: edit.commit, message }, headers: guarded(edit.etag) };
    case "pause":
    case "resume":
      return { method: "POST", json: { message }, headers: guarded(edit.etag) };
  }
}

function requestOf<T>(edit: JobEdit, more: Pick<RequestOptions, "query" | "signal"> = {}): Promise<T> {
  const path = jobPath(edit.namespace, edit.name);
  const { query, ...body } = bodyOf(edit);
  const whole = edit.kind === "save" || edit.kind === "delete" ? path : `${path}/${edit.kind}`;
  return request<T>(whole, { ...body, ...more, query: { ...query, ...more.query } });
}

export const planEdit = (edit: JobEdit, signal?: AbortSignal) =>
  requestOf<Plan>(edit, { query: { dry_run: "true" }, signal });

/** Answers with the job as it is then; with nothing when it is deleted. */
export const doEdit = <E extends JobEdit>(edit: E) =>
  requestOf<E extends { kind: "delete" } ? undefined : Job>(edit);
