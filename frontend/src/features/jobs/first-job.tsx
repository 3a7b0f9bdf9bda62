import { Link } from "@tanstack/react-router";
import { GitBranch, Import, Radio, Server } from "lucide-react";
import type { ReactNode } from "react";
import type { Mode } from "@/client/types";
import { buttonVariants } from "@/components/ui/button";
import { Card } from "@/components/ui/card";
import { CodeBlock } from "@/components/ui/code";
import { useSession } from "@/lib/session";
import { FIRST_LABELS, TEMPLATE_PATHS, TEMPLATES } from "./templates";

function Step({ number, title, children }: { number: number; title: ReactNode; children: ReactNode }) {
  return (
    <li className="min-w-0">
      <p className="mb-2 flex items-baseline gap-2 text-sm">
        <span className="tabular grid size-5 shrink-0 place-items-center rounded-full bg-hover font-medium text-2xs text-muted">
          {number}
        </span>
        <span>{title}</span>
      </p>
      {children}
    </li>
  );
}

type WayProps = { icon: ReactNode; title: string; lead: string; children: ReactNode };

function Way({ icon, title, lead, children }: WayProps) {
  return (
    <Card className="p-5">
      <h2 className="flex items-center gap-2 font-semibold text-lg [&_svg]:size-4.5 [&_svg]:text-accent-text">
        {icon}
        {title}
      </h2>
      <p className="mt-1 mb-5 text-muted text-sm">{lead}</p>
      <ol className="flex flex-col gap-5">{children}</ol>
    </Card>
  );
}

const Manifest = ({ mode }: { mode: Mode }) => (
  <CodeBlock code={TEMPLATES[mode]} what="manifest" title={TEMPLATE_PATHS[mode]} />
);

function CreateLink({ mode }: { mode: Mode }) {
  return (
    <Link to="/jobs/new" search={{ mode }} className={buttonVariants({ variant: "primary" })}>
      Create this job
    </Link>
  );
}

/** What a newcomer sees in place of an empty list: a first job in each mode. */
export function FirstJob() {
  const { repository } = useSession();
  return (
    <div className="grid gap-4 lg:grid-cols-2">
      <Way
        icon={<Radio aria-hidden />}
        title="Watch a job you already have"
        lead="Ping mode: keep your scheduler. One HTTP request at the end of the job tells Crontopus that it ran."
      >
        <Step number={1} title="Say when it is expected.">
          <Manifest mode="ping" />
          <div className="mt-3">
            <CreateLink mode="ping" />
          </div>
        </Step>
        <Step number={2} title="Add its ping URL, shown on the job's page, to your crontab.">
          <CodeBlock
            wrap
            code="0 2 * * * /opt/report.sh; curl -fsS -m 10 --retry 3 PING_URL/$?"
            what="crontab line"
          />
        </Step>
      </Way>
      <Way
        icon={<Server aria-hidden />}
        title="Let Crontopus schedule it"
        lead="Agent mode: the agent puts the job into the machine's own scheduler and keeps it as Git says."
      >
        <Step
          number={1}
          title={
            <>
              Add a machine with the label <code className="font-mono text-xs">{FIRST_LABELS}</code>.
            </>
          }
        >
          <Link to="/endpoints" search={{ add: true, labels: FIRST_LABELS }} className={buttonVariants()}>
            Add an endpoint
          </Link>
        </Step>
        <Step number={2} title="Define the job.">
          <Manifest mode="agent" />
          <div className="mt-3">
            <CreateLink mode="agent" />
          </div>
        </Step>
      </Way>
      <Card className="flex flex-wrap items-center justify-between gap-4 p-5 lg:col-span-2">
        <div>
          <h2 className="flex items-center gap-2 font-semibold text-lg">
            <Import aria-hidden className="size-4.5 text-accent-text" /> Or bring what you have
          </h2>
          <p className="mt-1 text-muted text-sm">
            A crontab or the Windows Task Scheduler: see what each line becomes, then add them all at once.
          </p>
        </div>
        <Link to="/jobs/import" className={buttonVariants()}>
          Import jobs
        </Link>
      </Card>
      <Card className="p-5 lg:col-span-2">
        <h2 className="flex items-center gap-2 font-semibold text-lg">
          <GitBranch aria-hidden className="size-4.5 text-accent-text" /> Or push it with Git
        </h2>
        <p className="mt-1 mb-4 text-muted text-sm">
          Every job is a YAML file in your own repository. Use any name and an{" "}
          <Link to="/tokens" className="text-accent-text underline underline-offset-2">
            API token
          </Link>{" "}
          as password.
        </p>
        <CodeBlock
          what="Git commands"
          code={`git clone ${repository.clone_url} jobs && cd jobs\n$EDITOR default/hello.yaml\ngit add . && git commit -m "hello: add job" && git push`}
        />
      </Card>
    </div>
  );
}
