import { CircleCheck } from "lucide-react";
import type { FileChange, JobChange, ManifestError, Plan } from "@/client/types";
import { Tag } from "@/components/ui/badge";
import { DiffView } from "@/components/ui/diff";
import { Fold } from "@/components/ui/fold";
import { Message } from "@/components/ui/message";
import { plural } from "@/lib/format";
import { JobAddress } from "./bits";
import { ChangeBadge } from "./change-badge";
import { ManifestErrors } from "./manifest-errors";
import { ChangeEffects } from "./plan-change";

const ACTIONS = ["added", "changed", "moved", "removed"] as const;

function Summary({ plan }: { plan: Plan }) {
  const counted = ACTIONS.filter((action) => plan.summary[action] > 0);
  return (
    <p className="flex flex-wrap items-center gap-2 text-muted text-sm">
      {counted.map((action) => (
        <ChangeBadge key={action} action={action} count={plan.summary[action]} />
      ))}
      {plan.files.length > 0 && <span>{plural(plan.files.length, "other file")}</span>}
      <span>
        {plan.endpoints.length === 0
          ? "No endpoint is affected."
          : `On ${plural(plan.endpoints.length, "endpoint")}.`}
      </span>
    </p>
  );
}

function effectOf({ endpoints_gained: gained, endpoints_lost: lost }: JobChange): string {
  const parts = [gained.length && `+${gained.length}`, lost.length && `−${lost.length}`].filter(Boolean);
  return parts.length > 0
    ? `${parts.join(" ")} ${gained.length + lost.length === 1 ? "endpoint" : "endpoints"}`
    : "";
}

const titleClass = "min-w-0 flex-1 basis-40 break-words";

const JobFold = ({ change }: { change: JobChange }) => (
  <Fold
    summary={
      <>
        <ChangeBadge action={change.action} />
        <span className={`${titleClass} font-medium`}>
          <JobAddress job={change} />
        </span>
        <span className="text-subtle text-xs">{effectOf(change)}</span>
      </>
    }
  >
    <ChangeEffects change={change} openDiff />
  </Fold>
);

const FileFold = ({ file }: { file: FileChange }) => (
  <Fold
    summary={
      <>
        <ChangeBadge action={file.action} />
        <code className={`${titleClass} font-mono text-xs`}>{file.path}</code>
        {file.kind && <Tag>{file.kind}</Tag>}
      </>
    }
  >
    <DiffView diff={file.diff} label={`Changes of ${file.path}`} className="max-h-96" />
  </Fold>
);

function Changes({ plan, openDiff }: { plan: Plan; openDiff: boolean }) {
  const [only] = plan.changes;
  if (!only && plan.files.length === 0) {
    return plan.errors.length > 0 ? null : (
      <p className="flex items-center gap-2 text-muted text-sm">
        <CircleCheck aria-hidden className="size-4 text-ok" /> Nothing would change.
      </p>
    );
  }
  if (only && plan.changes.length === 1 && plan.files.length === 0) {
    return <ChangeEffects change={only} openDiff={openDiff} />;
  }
  const shown = plan.changes.length;
  const all = ACTIONS.reduce((sum, action) => sum + plan.summary[action], 0);
  return (
    <>
      <Summary plan={plan} />
      <div className="divide-y divide-line overflow-hidden rounded-lg border border-line">
        {plan.changes.map((change) => (
          <JobFold key={change.id + change.path} change={change} />
        ))}
        {plan.files.map((file) => (
          <FileFold key={file.path} file={file} />
        ))}
      </div>
      {all > shown && (
        <p className="text-muted text-sm">
          The first {shown.toLocaleString("en-GB")} of {all.toLocaleString("en-GB")} jobs are shown.
        </p>
      )}
    </>
  );
}

type Props = {
  plan: Plan;
  /** Whether the diff of a plan about one job is open from the start. */
  openDiff?: boolean;
  onGo?: (error: ManifestError) => void;
};

/** What a change would do, before it is done: wherever something can be looked at first. */
export function PlanView({ plan, openDiff = true, onGo }: Props) {
  const several = plan.changes.length + plan.files.length > 1;
  return (
    <div className="flex min-w-0 flex-col gap-4">
      {plan.errors.length > 0 && (
        <ManifestErrors title="This would be refused" errors={plan.errors} onGo={onGo} withFile={several} />
      )}
      {plan.conflicts.length > 0 && (
        <Message tone="bad" title="Both sides changed the same files">
          <p>Merge main into the branch, and look again.</p>
          <ul className="mt-1 break-all font-mono text-xs leading-5">
            {plan.conflicts.map((path) => (
              <li key={path}>{path}</li>
            ))}
          </ul>
        </Message>
      )}
      {plan.warnings.length > 0 && (
        <ManifestErrors
          tone="warn"
          title="Allowed, but"
          errors={plan.warnings}
          onGo={onGo}
          withFile={several}
        />
      )}
      <Changes plan={plan} openDiff={openDiff} />
    </div>
  );
}
