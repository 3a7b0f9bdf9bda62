import { useInfiniteQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Plus, Split } from "lucide-react";
import { routesQuery } from "@/client/alerting";
import { QueryError } from "@/components/domain/query-error";
import { buttonVariants } from "@/components/ui/button";
import { Card, CardHeader } from "@/components/ui/card";
import { LoadMore } from "@/components/ui/data-list";
import { Empty } from "@/components/ui/message";
import { PageHeader } from "@/components/ui/page";
import { ListSkeleton } from "@/components/ui/skeleton";
import { useMay } from "@/lib/session";
import { RouteList } from "./route-list";
import { Tester } from "./tester";

export function RoutesPage() {
  const alerts = useMay("alerts:manage");
  // A route is changed by a commit.
  const edit = useMay("jobs:write") && alerts;
  const query = useInfiniteQuery(routesQuery);
  const routes = query.data?.pages.flatMap((page) => page.items) ?? [];
  const add = edit && (
    <Link to="/routes/new" className={buttonVariants({ variant: "primary" })}>
      <Plus aria-hidden /> New route
    </Link>
  );
  return (
    <>
      <PageHeader title="Routes" actions={add}>
        Which incidents are told to which channels. What none of them takes goes to the default channels.
      </PageHeader>
      <div className="grid items-start gap-4 xl:grid-cols-[minmax(0,1fr)_24rem]">
        <Card aria-label="Route list">
          <CardHeader title="Tried in this order" aside="by name" />
          {query.isPending && <ListSkeleton rows={3} />}
          {query.isError && !query.data && (
            <QueryError error={query.error} retry={() => void query.refetch()} busy={query.isFetching} />
          )}
          {query.isSuccess && routes.length === 0 && (
            <Empty icon={<Split />} title="No routes yet" actions={add}>
              Every incident goes to the default channels. Make a route to tell a team of its own jobs, or
              only of what is critical at night.
            </Empty>
          )}
          {routes.length > 0 && <RouteList routes={routes} edit={edit} />}
          <LoadMore
            has={query.hasNextPage}
            loading={query.isFetchingNextPage}
            shown={routes.length}
            load={() => void query.fetchNextPage()}
          />
        </Card>
        <Tester />
      </div>
    </>
  );
}
