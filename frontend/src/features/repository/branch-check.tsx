import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { CircleCheck, CircleX, GitPullRequestArrow } from "lucide-react";
import { useState } from "react";
import { branchPlanQuery } from "@/client/queries";
import { PlanView } from "@/components/domain/plan-view";
import { ActionError } from "@/components/domain/query-error";
import { Badge } from "@/components/ui/badge";
import { Button } from "@/components/ui/button";
import { Card, CardBody, CardHeader } from "@/components/ui/card";
import { Field, Input } from "@/components/ui/field";
import { Skeleton } from "@/components/ui/skeleton";

function Verdict({ applicable }: { applicable: boolean }) {
  return applicable ? (
    <Badge tone="ok" icon={<CircleCheck aria-hidden />}>
      Can be merged
    </Badge>
  ) : (
    <Badge tone="bad" icon={<CircleX aria-hidden />}>
      Would be refused
    </Badge>
  );
}

function Result({ branch }: { branch: string }) {
  const plan = useQuery(branchPlanQuery(branch));
  if (plan.isError) return <ActionError error={plan.error} />;
  if (!plan.data) {
    return (
      <div role="status" aria-label="Loading">
        <Skeleton className="h-32" />
      </div>
    );
  }
  return (
    <div role="status" className="flex flex-col gap-4">
      <h3 className="flex flex-wrap items-center gap-2 text-sm">
        <span className="min-w-0 break-all">
          Merging <code className="font-mono">{branch}</code> into <code className="font-mono">main</code>
        </span>
        <Verdict applicable={plan.data.applicable} />
      </h3>
      <PlanView plan={plan.data} />
    </div>
  );
}

/** What merging a branch would do: the same that a pull request's check says. */
export function BranchCheck({ branch }: { branch: string | undefined }) {
  const [text, setText] = useState(branch ?? "");
  const navigate = useNavigate({ from: "/repository" });
  return (
    <Card>
      <CardHeader title="Check a branch" />
      <CardBody className="flex flex-col gap-4">
        <form
          className="flex items-end gap-2"
          onSubmit={(event) => {
            event.preventDefault();
            void navigate({ search: { ref: text.trim() || undefined }, resetScroll: false });
          }}
        >
          <Field label="Branch or commit" className="min-w-0 flex-1 md:max-w-sm">
            <Input
              value={text}
              placeholder="my-branch"
              autoComplete="off"
              spellCheck={false}
              maxLength={255}
              onValueChange={setText}
            />
          </Field>
          <Button type="submit" className="max-md:h-9">
            <GitPullRequestArrow aria-hidden /> Check
          </Button>
        </form>
        {branch ? (
          <Result key={branch} branch={branch} />
        ) : (
          <p className="text-muted text-sm">
            Push a branch and see what merging it would do: jobs added, changed and removed, the endpoints
            concerned, and what would be refused.
          </p>
        )}
      </CardBody>
    </Card>
  );
}
