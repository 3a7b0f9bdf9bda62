import { ArrowRight } from "lucide-react";
import type { ReactNode } from "react";
import type { EndpointRef, FieldChange, JobChange } from "@/client/types";
import { DiffView } from "@/components/ui/diff";
import { Time } from "@/components/ui/time";
import { cn } from "@/lib/cn";
import { formatLocal } from "@/lib/format";

/** As it would stand in YAML's flow style; what is not set says so. */
function value(of: unknown): string {
  if (of === undefined || of === null) return "not set";
  return typeof of === "string" ? of : JSON.stringify(of);
}

function Fields({ fields }: { fields: FieldChange[] }) {
  return (
    <dl className="flex flex-col gap-2 sm:gap-1">
      {fields.map(({ path, before, after }) => (
        <div key={path} className="grid gap-x-4 sm:grid-cols-[minmax(8rem,auto)_minmax(0,1fr)]">
          <dt className="break-words font-mono text-muted text-xs leading-5">{path}</dt>
          <dd className="flex min-w-0 flex-wrap items-center gap-x-1.5 font-mono text-xs leading-5">
            <del className="min-w-0 break-all rounded-sm bg-bad-soft px-1 no-underline">{value(before)}</del>
            <ArrowRight role="img" aria-label="becomes" className="size-3 shrink-0 text-subtle" />
            <ins className="min-w-0 break-all rounded-sm bg-ok-soft px-1 no-underline">{value(after)}</ins>
          </dd>
        </div>
      ))}
    </dl>
  );
}

const MOST_NAMES = 12;

function Names({ endpoints }: { endpoints: EndpointRef[] }) {
  const more = endpoints.length - MOST_NAMES;
  const shown = endpoints.slice(0, MOST_NAMES).map(({ name }) => name);
  return (
    <>
      {shown.join(", ")}
      {more > 0 && ` and ${more.toLocaleString("en-GB")} more`}
    </>
  );
}

function Endpoints({ change }: { change: JobChange }) {
  const sides = [
    { word: "Starts running on", endpoints: change.endpoints_gained, look: "font-medium text-ok" },
    { word: "Stops running on", endpoints: change.endpoints_lost, look: "font-medium text-bad" },
    { word: "Goes on running on", endpoints: change.endpoints_kept, look: "text-text" },
  ].filter(({ endpoints }) => endpoints.length > 0);
  if (sides.length === 0) return null;
  return (
    <ul className="flex flex-col gap-0.5 text-sm">
      {sides.map(({ word, endpoints, look }) => (
        <li key={word} className="min-w-0 break-words text-muted">
          {word}{" "}
          <span className={look}>
            <Names endpoints={endpoints} />
          </span>
        </li>
      ))}
    </ul>
  );
}

function Schedule({ change }: { change: JobChange }) {
  if (!change.schedule_text) return null;
  return (
    <div className="text-sm">
      <p>{change.schedule_text}</p>
      {change.next_runs.length > 0 && (
        <ul className="mt-1 flex flex-wrap gap-x-5 gap-y-0.5 text-muted text-xs">
          {change.next_runs.map(({ at, local }) => (
            <li key={at} className="tabular">
              {formatLocal(local)}{" "}
              <span className="text-subtle">
                (<Time at={at} />)
              </span>
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}

function Part({ title, children }: { title: string; children: ReactNode }) {
  return (
    <div className="grid gap-x-4 gap-y-1 sm:grid-cols-[5.5rem_minmax(0,1fr)]">
      <p className="text-subtle text-xs leading-5">{title}</p>
      <div className="min-w-0">{children}</div>
    </div>
  );
}

/** A diff behind one press. */
function FoldedDiff({ diff, label, open = false }: { diff: string; label: string; open?: boolean }) {
  if (!diff) return null;
  return (
    <details open={open} className="group">
      <summary className="w-fit cursor-pointer rounded-sm text-muted text-sm hover:text-text">
        <span className="group-open:hidden">Show the text</span>
        <span className="not-group-open:hidden">Text of the file</span>
      </summary>
      <DiffView diff={diff} label={label} className="mt-2 max-h-96" />
    </details>
  );
}

/** What becomes of one job: settings, endpoints, schedule, text. */
export function ChangeEffects({
  change,
  openDiff,
  className,
}: {
  change: JobChange;
  openDiff: boolean;
  className?: string;
}) {
  const places = [change.endpoints_gained, change.endpoints_lost, change.endpoints_kept].some(
    (each) => each.length,
  );
  const silent = change.action === "changed" && change.fields.length === 0;
  return (
    <div className={cn("flex flex-col gap-3.5", className)}>
      {change.moved_from && (
        <Part title="Moved">
          <p className="break-all font-mono text-xs leading-5">
            {change.moved_from}{" "}
            <ArrowRight role="img" aria-label="to" className="inline size-3 text-subtle" /> {change.path}
          </p>
        </Part>
      )}
      {silent && <p className="text-muted text-sm">No setting differs: comments or layout only.</p>}
      {change.fields.length > 0 && (
        <Part title="Settings">
          <Fields fields={change.fields} />
        </Part>
      )}
      {places && (
        <Part title="Endpoints">
          <Endpoints change={change} />
        </Part>
      )}
      {change.schedule_text && (
        <Part title="Schedule">
          <Schedule change={change} />
        </Part>
      )}
      <FoldedDiff diff={change.diff} label={`Changes of ${change.path}`} open={openDiff} />
    </div>
  );
}
