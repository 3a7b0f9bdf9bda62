import { useState } from "react";
import { Card, CardBody, CardHeader } from "@/components/ui/card";
import { CodeBlock } from "@/components/ui/code";
import { Message } from "@/components/ui/message";
import { cn } from "@/lib/cn";

const CURL = "curl -fsS -m 10 --retry 3 -o /dev/null";

const script = (url: string) => `#!/bin/sh
# Runs the job, then reports its output and exit code under one run id.
url=${url}
rid=$(cat /proc/sys/kernel/random/uuid)
${CURL} "$url/start?rid=$rid"
output=$(/opt/job.sh 2>&1)
code=$?
printf '%s' "$output" | ${CURL} --data-binary @- "$url/$code?rid=$rid"
exit $code`;

const WAYS = [
  { id: "crontab", label: "In a crontab" },
  { id: "requests", label: "Single requests" },
  { id: "script", label: "With output and duration" },
] as const;
type Way = (typeof WAYS)[number]["id"];

/** The schedule as a crontab can say it, or an example where it cannot. */
function crontabTime(schedule: string): string {
  if (/^@\w+$/.test(schedule) || /^(\S+\s+){4}\S+$/.test(schedule)) return schedule;
  const minutes = Number(/^every\s+(\d+)m$/.exec(schedule)?.[1] ?? 0);
  return minutes > 0 && 60 % minutes === 0 ? `*/${minutes} * * * *` : "0 2 * * *";
}

function Lines({ way, url, schedule }: { way: Way; url: string; schedule: string }) {
  if (way === "script") return <CodeBlock title="wrapper.sh" what="wrapper script" code={script(url)} />;
  if (way === "requests") {
    return (
      <div className="flex flex-col gap-3">
        <CodeBlock title="It succeeded" what="success request" code={`${CURL} ${url}`} />
        <CodeBlock title="It started" what="start request" code={`${CURL} ${url}/start`} />
        <CodeBlock title="It failed" what="failure request" code={`${CURL} ${url}/fail`} />
        <CodeBlock title="It ended with this exit code" what="exit code request" code={`${CURL} ${url}/$?`} />
      </div>
    );
  }
  const when = crontabTime(schedule);
  return (
    <CodeBlock title="crontab -e" what="crontab line" wrap code={`${when} /opt/job.sh; ${CURL} ${url}/$?`} />
  );
}

/** The job's ping URL and lines to paste. */
export function PingCard({ url, schedule }: { url: string | null; schedule: string }) {
  const [way, setWay] = useState<Way>("crontab");
  return (
    <Card>
      <CardHeader title="Ping URL" />
      <CardBody className="flex flex-col gap-4">
        {url === null ? (
          <Message tone="info" title="You may not see the ping URL of this job">
            It lets anyone who knows it report runs. Ask an owner or admin of this tenant.
          </Message>
        ) : (
          <>
            <CodeBlock code={url} what="ping URL" wrap />
            <fieldset className="flex flex-wrap gap-1">
              <legend className="sr-only">How to call it</legend>
              {WAYS.map(({ id, label }) => (
                <button
                  key={id}
                  type="button"
                  aria-pressed={way === id}
                  onClick={() => setWay(id)}
                  className={cn(
                    "h-7 rounded-md px-2.5 text-sm",
                    way === id ? "bg-hover font-medium text-text" : "text-muted hover:text-text",
                  )}
                >
                  {label}
                </button>
              ))}
            </fieldset>
            <Lines way={way} url={url} schedule={schedule} />
            <p className="text-subtle text-xs">
              Keep it to yourself: whoever has this URL can report runs of this job, and nothing else.
            </p>
          </>
        )}
      </CardBody>
    </Card>
  );
}
