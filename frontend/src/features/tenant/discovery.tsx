import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { currentTenantQuery } from "@/client/queries";
import { tenancy } from "@/client/tenancy";
import { ActionError, explain } from "@/components/domain/query-error";
import { Card, CardBody, CardHeader } from "@/components/ui/card";
import { Checkbox } from "@/components/ui/checkbox";
import { Skeleton } from "@/components/ui/skeleton";
import { toast } from "@/components/ui/toast";

/** Whether jobs that agents find on their machines are kept. */
export function Discovery() {
  const queries = useQueryClient();
  const query = useQuery(currentTenantQuery);
  const change = useMutation({
    mutationFn: tenancy.setDiscovery,
    onSuccess: (tenant) => {
      queries.setQueryData(currentTenantQuery.queryKey, tenant);
      toast.ok(tenant.discovery ? "Found jobs are kept" : "Found jobs are not kept any more");
    },
    onError: (error) => toast.bad("Could not change it", explain(error).detail || explain(error).title),
  });
  return (
    <Card aria-label="Discovery">
      <CardHeader title="Discovery" />
      <CardBody className="flex flex-col gap-2">
        {query.isPending && <Skeleton className="h-5 w-72" />}
        <ActionError error={query.error} />
        {query.data && (
          <Checkbox
            checked={change.isPending ? change.variables : query.data.discovery}
            onChange={(on) => change.mutate(on)}
          >
            Keep what agents find on their machines
          </Checkbox>
        )}
        <p className="max-w-xl text-muted text-sm">
          Jobs that nobody manages yet appear under <code className="font-mono text-xs">discovered/</code>,
          not enabled, with secrets taken out, until somebody adopts them.
        </p>
      </CardBody>
    </Card>
  );
}
