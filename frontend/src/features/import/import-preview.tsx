import { CircleCheck, FileQuestion, Plus, TriangleAlert } from "lucide-react";
import { useMemo } from "react";
import type { Imported, ImportedJob } from "@/client/types";
import { PlanView } from "@/components/domain/plan-view";
import { ActionError } from "@/components/domain/query-error";
import { Button } from "@/components/ui/button";
import { Card, CardHeader } from "@/components/ui/card";
import { type Column, DataList } from "@/components/ui/data-list";
import { Fold } from "@/components/ui/fold";
import { Empty, Message } from "@/components/ui/message";
import { plural, sentence } from "@/lib/format";

function Line({ line, source }: { line: number | null; source: string }) {
  return (
    <span className="flex min-w-0 gap-2 text-xs leading-5">
      {line !== null && <span className="tabular shrink-0 text-subtle">line {line}</span>}
      <code className="min-w-0 break-all font-mono">{source}</code>
    </span>
  );
}

function Notes({ warnings }: { warnings: string[] }) {
  if (warnings.length === 0) {
    return (
      <span className="inline-flex items-center gap-1 text-ok text-xs">
        <CircleCheck aria-hidden className="size-3.5" /> As it was
      </span>
    );
  }
  return (
    <ul className="flex flex-col gap-1 text-xs">
      {warnings.map((warning) => (
        <li key={warning} className="flex gap-1.5 text-warn">
          <TriangleAlert aria-hidden className="mt-0.5 size-3.5 shrink-0" />
          <span className="min-w-0 break-words">{warning}</span>
        </li>
      ))}
    </ul>
  );
}

function columnsWith(schedules: Map<string, string | null>): Column<ImportedJob>[] {
  return [
    {
      id: "name",
      header: "Job",
      className: "max-md:basis-full font-medium break-words",
      cell: (job) => job.name,
    },
    {
      id: "schedule",
      header: "Schedule",
      className: "max-md:basis-full text-muted break-words",
      cell: (job) => schedules.get(job.path) ?? "–",
    },
    {
      id: "source",
      header: "From",
      className: "max-md:order-4 max-md:basis-full text-muted",
      cell: (job) => <Line line={job.line} source={job.source} />,
    },
    {
      id: "notes",
      header: "Differences",
      className: "max-md:order-5 max-md:basis-full",
      cell: (job) => <Notes warnings={job.warnings} />,
    },
  ];
}

function Problems({ problems }: Pick<Imported, "problems">) {
  if (problems.length === 0) return null;
  return (
    <Message tone="warn" title={`${plural(problems.length, "line")} cannot become a job`}>
      <ul className="mt-1.5 flex flex-col gap-2">
        {problems.map(({ line, source, reason, hint }) => (
          <li key={`${line} ${source}`}>
            <Line line={line} source={source} />
            <span className="text-text">{sentence(reason)}</span> {hint && sentence(hint)}
          </li>
        ))}
      </ul>
    </Message>
  );
}

function Settings({ settings }: Pick<Imported, "settings">) {
  if (settings.length === 0) return null;
  return (
    <Message tone="info" title="Settings">
      <ul className="mt-1.5 flex flex-col gap-2">
        {settings.map(({ line, source, effect }) => (
          <li key={line}>
            <Line line={line} source={source} />
            {sentence(effect)}
          </li>
        ))}
      </ul>
    </Message>
  );
}

type Props = { found: Imported; busy: boolean; error: unknown; onAdd: () => void };

/** What the file becomes, before anything is added. */
export function ImportPreview({ found, busy, error, onAdd }: Props) {
  const { jobs, problems, settings, plan } = found;
  const columns = useMemo(
    () => columnsWith(new Map(plan?.changes.map((change) => [change.path, change.schedule_text]))),
    [plan],
  );
  const nowhere = jobs.length > 0 && plan?.endpoints.length === 0;
  return (
    <div role="status" className="flex flex-col gap-4">
      <Problems problems={problems} />
      {nowhere && (
        <Message tone="warn" title="No endpoint has these labels: the jobs would run nowhere">
          Add them all the same, and give the machine the labels when it is enrolled.
        </Message>
      )}
      <Card aria-label="Jobs found">
        <CardHeader title={jobs.length > 0 ? `${plural(jobs.length, "job")} found` : "Nothing to add"} />
        {jobs.length === 0 ? (
          <Empty icon={<FileQuestion />} title="No job found">
            Is the kind right? A crontab has five fields before the command; an exported task is XML.
          </Empty>
        ) : (
          <DataList
            label="Jobs found"
            columns={columns}
            items={jobs}
            rowKey={(job) => job.path}
            grid="md:grid-cols-[minmax(0,1fr)_minmax(0,1.1fr)_minmax(0,1.6fr)_minmax(0,1.2fr)]"
          />
        )}
        {plan && jobs.length > 0 && (
          <Fold
            summary="The manifests, and what the commit would do"
            open={!plan.applicable}
            className="border-line border-t"
          >
            <PlanView plan={plan} />
          </Fold>
        )}
      </Card>
      <Settings settings={settings} />
      <ActionError error={error} />
      {jobs.length > 0 && (
        <div className="flex justify-end">
          <Button
            variant="primary"
            size="lg"
            busy={busy}
            disabled={plan?.applicable === false}
            onClick={onAdd}
          >
            <Plus aria-hidden /> Add {plural(jobs.length, "job")}
          </Button>
        </div>
      )}
    </div>
  );
}
