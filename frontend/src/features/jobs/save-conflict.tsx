import { useQuery, useQueryClient } from "@tanstack/react-query";
import { api } from "@/client/api";
import { isProblem } from "@/client/problem";
import { changePlanQuery, editJobQuery } from "@/client/queries";
import type { Job } from "@/client/types";
import { ActionError } from "@/components/domain/query-error";
import { Button } from "@/components/ui/button";
import { Card, CardBody, CardHeader } from "@/components/ui/card";
import { DiffView } from "@/components/ui/diff";
import { Message } from "@/components/ui/message";
import { Skeleton } from "@/components/ui/skeleton";
import { Time } from "@/components/ui/time";
import { shortCommit } from "@/lib/format";
import { useSettled } from "@/lib/settled";
import type { Save } from "./saving";

type Props = {
  job: Job;
  /** What was not taken. */
  mine: Save;
  /** Saves mine over what is there now. */
  onOverwrite: (guard: Save["guard"]) => void;
};

/** What is there now: null when the job was deleted meanwhile. */
const useTheirs = ({ namespace, name }: Job) =>
  useQuery({
    queryKey: ["conflict", namespace, name],
    queryFn: ({ signal }) =>
      api.job(namespace, name, signal).catch((error: unknown) => {
        if (isProblem(error, 404)) return null;
        throw error;
      }),
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 0,
  });

function Between({ mine, theirs }: { mine: Save; theirs: Job }) {
  // The server compares: what mine would do to theirs is the difference between the two.
  const yaml = useSettled(mine.yaml);
  const plan = useQuery(changePlanQuery({ ...mine, yaml, guard: { etag: theirs.etag } }));
  if (plan.isError) return <ActionError error={plan.error} />;
  if (!plan.data) return <Skeleton className="h-32" />;
  return <DiffView diff={plan.data.changes[0]?.diff ?? ""} label="From their version to yours" />;
}

function Who({ theirs }: { theirs: Job }) {
  return (
    <>
      {theirs.changed_by} changed it <Time at={theirs.changed_at} /> in{" "}
      <code className="font-mono text-xs">{shortCommit(theirs.commit)}</code>. Red lines are theirs, green
      ones are yours.
    </>
  );
}

/** Somebody else was quicker: both versions, and a choice. Nothing is lost without a word. */
export function SaveConflict({ job, mine, onOverwrite }: Props) {
  const queries = useQueryClient();
  const theirs = useTheirs(job);
  const discard = () =>
    void queries.invalidateQueries({ queryKey: editJobQuery(job.namespace, job.name).queryKey });
  return (
    <Card aria-label="Conflict" className="border-warn-solid/60">
      <CardHeader title="Their version and yours" />
      <CardBody className="flex flex-col gap-4">
        <Message
          tone="warn"
          announce
          title={
            theirs.data === null
              ? "This job was deleted since you opened it"
              : "This job was changed since you opened it"
          }
        >
          {theirs.data && <Who theirs={theirs.data} />}
          {theirs.data === null && "Saving yours brings it back."}
        </Message>
        {theirs.isError && <ActionError error={theirs.error} />}
        {theirs.data && <Between mine={mine} theirs={theirs.data} />}
        <div className="flex flex-wrap justify-end gap-2">
          <Button onClick={discard} disabled={!theirs.isSuccess}>
            Discard mine, take theirs
          </Button>
          <Button
            variant="danger"
            disabled={!theirs.isSuccess}
            onClick={() => onOverwrite(theirs.data ? { etag: theirs.data.etag } : { mustBeNew: true })}
          >
            Overwrite with mine
          </Button>
        </div>
      </CardBody>
    </Card>
  );
}
