import { Link } from "@tanstack/react-router";
import { Pencil } from "lucide-react";
import type { Job } from "@/client/types";
import { Labels, ModeTag } from "@/components/domain/bits";
import { May } from "@/components/domain/may";
import { StateBadge } from "@/components/domain/status";
import { buttonVariants } from "@/components/ui/button";
import { crumbClass, PageHeader } from "@/components/ui/page";
import { Time } from "@/components/ui/time";
import { shortCommit } from "@/lib/format";
import { DeleteJob } from "./delete-job";
import { PauseJob } from "./pause-job";
import { RenameJob } from "./rename-job";

export function JobCrumbs({ namespace }: { namespace: string }) {
  return (
    <>
      <Link to="/jobs" className={crumbClass}>
        Jobs
      </Link>
      <span aria-hidden>/</span>
      <Link to="/jobs" search={{ namespace }} className={crumbClass}>
        {namespace}
      </Link>
    </>
  );
}

function LastChange({ job }: { job: Job }) {
  return (
    <Link
      to="/jobs/$namespace/$name"
      params={{ namespace: job.namespace, name: job.name }}
      search={{ tab: "history", version: job.commit }}
      className="rounded-sm text-subtle text-xs underline-offset-2 hover:text-text hover:underline"
    >
      Changed by {job.changed_by}, <Time at={job.changed_at} /> ·{" "}
      <code className="font-mono">{shortCommit(job.commit)}</code>
    </Link>
  );
}

export function JobHeader({ job }: { job: Job }) {
  return (
    <PageHeader
      crumbs={<JobCrumbs namespace={job.namespace} />}
      title={job.name}
      badge={<StateBadge state={job.state} />}
      actions={
        <May scope="jobs:write">
          {/* Four words fit beside each other on a phone, with their icons they do not. */}
          <div className="flex flex-wrap gap-2 max-sm:[&_svg]:hidden">
            <Link
              to="/jobs/$namespace/$name/edit"
              params={{ namespace: job.namespace, name: job.name }}
              className={buttonVariants()}
            >
              <Pencil aria-hidden /> Edit
            </Link>
            <PauseJob job={job} />
            <RenameJob job={job} />
            <DeleteJob job={job} />
          </div>
        </May>
      }
    >
      {job.description && <p className="mb-1.5">{job.description}</p>}
      <span className="flex flex-wrap items-center gap-x-2 gap-y-1.5">
        <ModeTag mode={job.mode} />
        <Labels labels={job.labels} />
        <LastChange job={job} />
      </span>
    </PageHeader>
  );
}
