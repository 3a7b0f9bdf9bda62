import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { isProblem } from "@/client/problem";
import { editJobQuery } from "@/client/queries";
import { QueryError } from "@/components/domain/query-error";
import { PageNotFound, PagePending } from "@/components/shell/fallbacks";
import { crumbClass, PageHeader } from "@/components/ui/page";
import { JobEditor } from "./job-editor";

export function EditJobPage({ namespace, name }: { namespace: string; name: string }) {
  const navigate = useNavigate();
  const params = { namespace, name };
  const query = useQuery(editJobQuery(namespace, name));
  const job = query.data;
  if (job) {
    return (
      <>
        <PageHeader
          crumbs={
            <>
              <Link to="/jobs" className={crumbClass}>
                Jobs
              </Link>
              <span aria-hidden>/</span>
              <Link to="/jobs/$namespace/$name" params={params} className={crumbClass}>
                {namespace}/{name}
              </Link>
            </>
          }
          title="Edit job"
        />
        <JobEditor
          key={job.etag}
          job={job}
          original={job.yaml}
          onCancel={() => void navigate({ to: "/jobs/$namespace/$name", params })}
        />
      </>
    );
  }
  if (query.isPending) return <PagePending />;
  if (isProblem(query.error, 404)) return <PageNotFound />;
  return <QueryError error={query.error} retry={() => void query.refetch()} busy={query.isFetching} />;
}
