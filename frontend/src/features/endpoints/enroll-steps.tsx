import { CircleCheck } from "lucide-react";
import type { Endpoint, EnrollmentTokenCreated } from "@/client/types";
import { Button } from "@/components/ui/button";
import { CodeBlock } from "@/components/ui/code";
import { Fold } from "@/components/ui/fold";
import { Message } from "@/components/ui/message";
import { Spinner } from "@/components/ui/spinner";
import { Time } from "@/components/ui/time";

type Props = {
  created: EnrollmentTokenCreated;
  /** Endpoints that have appeared since the token was made. */
  arrived: Endpoint[];
  onDone: () => void;
};

export function EnrollSteps({ created: { token, secret }, arrived, onDone }: Props) {
  const server = window.location.origin;
  return (
    <div className="flex flex-col gap-4">
      <Message tone="warn" title="The token is shown only now">
        It works for {token.uses_left === 1 ? "one machine" : `${token.uses_left} machines`} and expires{" "}
        <Time at={token.expires_at} />.
      </Message>
      <CodeBlock
        title="Linux or macOS: installs, enrols and starts the agent"
        what="install command"
        wrap
        code={`curl -fsSL ${server}/install.sh | sudo CRONTOPUS_ENROLLMENT_TOKEN=${secret} sh`}
      />
      <CodeBlock
        title="Windows, in an elevated PowerShell"
        what="install command for Windows"
        wrap
        code={`$env:CRONTOPUS_ENROLLMENT_TOKEN = '${secret}'; irm ${server}/install.ps1 | iex`}
      />
      <Fold
        className="rounded-md border border-line"
        summary="The agent is installed already, or is to run without root"
      >
        <CodeBlock
          what="enrol command"
          wrap
          code={`crontopus-agent enroll --server ${server} --token ${secret}\ncrontopus-agent run`}
        />
      </Fold>
      <div
        role="status"
        className="flex items-center gap-2.5 rounded-lg border border-line px-3 py-2.5 text-sm"
      >
        {arrived.length > 0 ? (
          <>
            <CircleCheck aria-hidden className="size-4 text-ok" />
            <span>
              <span className="font-medium">{arrived.map(({ name }) => name).join(", ")}</span> is enrolled.
            </span>
          </>
        ) : (
          <>
            <Spinner className="text-subtle" />
            <span className="text-muted">Waiting for the machine to enrol…</span>
          </>
        )}
      </div>
      <div className="flex justify-end">
        <Button variant="primary" onClick={onDone}>
          Done
        </Button>
      </div>
    </div>
  );
}
