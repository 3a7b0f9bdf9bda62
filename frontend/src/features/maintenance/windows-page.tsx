import { useInfiniteQuery, useMutation, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { CalendarPlus, Wrench } from "lucide-react";
import { useState } from "react";
import { alerting, windowsQuery } from "@/client/alerting";
import type { MaintenanceWindow } from "@/client/types";
import { ActionError, QueryError } from "@/components/domain/query-error";
import { Button, buttonVariants } from "@/components/ui/button";
import { Card } from "@/components/ui/card";
import { DataList, LoadMore } from "@/components/ui/data-list";
import { Confirm } from "@/components/ui/dialog";
import { Empty } from "@/components/ui/message";
import { PageHeader } from "@/components/ui/page";
import { ListSkeleton } from "@/components/ui/skeleton";
import { toast } from "@/components/ui/toast";
import { useMay } from "@/lib/session";
import { windowColumns } from "./columns";
import { StartWindow } from "./start-window";
import { stateOf } from "./window-words";

const ORDER = { active: 0, planned: 1, over: 2 };

/** What is going on first, what is over last; otherwise as they came. */
const sorted = (windows: MaintenanceWindow[]) =>
  windows.toSorted((a, b) => ORDER[stateOf(a)] - ORDER[stateOf(b)]);

function EndDialog({ window, close }: { window: MaintenanceWindow | null; close: () => void }) {
  const queries = useQueryClient();
  const end = useMutation({
    mutationFn: (name: string) => alerting.endWindow(name),
    onSuccess: async () => {
      await queries.invalidateQueries({ queryKey: ["jobs", "windows"] });
      toast.ok(window?.active ? "Maintenance has ended" : "The window is cancelled");
      close();
    },
  });
  const active = window?.active === true;
  return (
    <Confirm
      open={window !== null}
      onOpenChange={(open) => {
        if (open) return;
        end.reset();
        close();
      }}
      title={active ? "End maintenance now?" : "Cancel this window?"}
      confirm={active ? "End now" : "Cancel window"}
      variant="primary"
      busy={end.isPending}
      body={end.error ? <ActionError error={end.error} /> : undefined}
      onConfirm={() => window && end.mutate(window.name)}
    >
      {active
        ? "From now on these jobs are expected to run again, and incidents are told."
        : "It has not begun, so its file is removed."}
    </Confirm>
  );
}

export function WindowsPage() {
  const alerts = useMay("alerts:manage");
  const edit = useMay("jobs:write") && alerts;
  const query = useInfiniteQuery(windowsQuery);
  const windows = sorted(query.data?.pages.flatMap((page) => page.items) ?? []);
  const [starting, setStarting] = useState(false);
  const [ending, setEnding] = useState<MaintenanceWindow | null>(null);
  const actions = edit && (
    <>
      <Link to="/maintenance/new" className={buttonVariants()}>
        <CalendarPlus aria-hidden /> Plan a window
      </Link>
      <Button variant="primary" onClick={() => setStarting(true)}>
        <Wrench aria-hidden /> Start now
      </Button>
    </>
  );
  return (
    <>
      <PageHeader title="Maintenance" actions={actions}>
        Times in which nothing is expected of jobs, and nobody is told.
      </PageHeader>
      <Card aria-label="Maintenance windows">
        {query.isPending && <ListSkeleton rows={3} />}
        {query.isError && !query.data && (
          <QueryError error={query.error} retry={() => void query.refetch()} busy={query.isFetching} />
        )}
        {query.isSuccess && windows.length === 0 && (
          <Empty icon={<Wrench />} title="No maintenance windows" actions={actions}>
            Start one before you take a machine down on purpose, so that nobody is woken by it.
          </Empty>
        )}
        {windows.length > 0 && (
          <DataList
            label="Maintenance windows"
            columns={windowColumns({ edit, end: setEnding })}
            items={windows}
            rowKey={({ path }) => path}
            grid="md:grid-cols-[6rem_minmax(0,1.3fr)_minmax(0,1fr)_minmax(0,1.4fr)_7rem_5.5rem]"
          />
        )}
        <LoadMore
          has={query.hasNextPage}
          loading={query.isFetchingNextPage}
          shown={windows.length}
          load={() => void query.fetchNextPage()}
        />
      </Card>
      <StartWindow open={starting} onOpenChange={setStarting} />
      <EndDialog window={ending} close={() => setEnding(null)} />
    </>
  );
}
