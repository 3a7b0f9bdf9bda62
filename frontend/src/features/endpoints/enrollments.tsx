import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { api } from "@/client/api";
import { enrollmentTokensQuery } from "@/client/queries";
import { Labels } from "@/components/domain/bits";
import { explain } from "@/components/domain/query-error";
import { Button } from "@/components/ui/button";
import { Card, CardHeader } from "@/components/ui/card";
import { Time } from "@/components/ui/time";
import { toast } from "@/components/ui/toast";
import { now } from "@/lib/clock";
import { plural } from "@/lib/format";

/** Enrolment tokens that can still be used. Nothing at all when there are none. */
export function Enrollments() {
  const queries = useQueryClient();
  const { data } = useQuery(enrollmentTokensQuery);
  const remove = useMutation({
    mutationFn: api.deleteEnrollmentToken,
    onSuccess: () => queries.invalidateQueries({ queryKey: ["endpoints", "enrollment-tokens"] }),
    onError: (error) =>
      toast.bad("Could not delete the token", explain(error).detail || explain(error).title),
  });
  const usable = (data?.items ?? []).filter(
    (token) => token.uses_left > 0 && Date.parse(token.expires_at) > now(),
  );
  if (usable.length === 0) return null;
  return (
    <Card className="mt-4">
      <CardHeader title="Enrolment tokens that can still be used" />
      <ul className="divide-y divide-line">
        {usable.map((token) => (
          <li key={token.id} className="flex flex-wrap items-center gap-x-4 gap-y-1 px-4 py-2.5 text-sm">
            <span className="font-medium">{token.name || "Unnamed"}</span>
            <code className="font-mono text-subtle text-xs">{token.hint}</code>
            <Labels labels={token.labels} max={3} />
            <span className="text-muted max-md:basis-full md:ml-auto">
              {plural(token.uses_left, "machine")} left, expires <Time at={token.expires_at} />
            </span>
            <Button
              variant="dangerGhost"
              size="sm"
              aria-label={`Delete enrolment token ${token.name || token.hint}`}
              busy={remove.isPending && remove.variables === token.id}
              onClick={() => remove.mutate(token.id)}
            >
              Delete
            </Button>
          </li>
        ))}
      </ul>
    </Card>
  );
}
