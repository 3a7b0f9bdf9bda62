import { useState } from "react";
import type { Job } from "@/client/types";
import { May } from "@/components/domain/may";
import { Button } from "@/components/ui/button";
import { Message } from "@/components/ui/message";
import { MoveDialog } from "./rename-job";
import { DISCOVERED } from "./search";

/** For a job that was found on a machine and that nobody has taken over yet. */
export function AdoptBanner({ job, asked }: { job: Job; asked: boolean }) {
  const [open, setOpen] = useState(asked);
  if (job.namespace !== DISCOVERED) return null;
  return (
    <Message
      tone="info"
      title="This job was found on an endpoint"
      actions={
        <May scope="jobs:write">
          <Button variant="primary" onClick={() => setOpen(true)}>
            Adopt
          </Button>
        </May>
      }
    >
      Nobody manages it yet. Adopt it, and this file decides what the machine runs.
      <MoveDialog job={job} open={open} onOpenChange={setOpen} namespace="default" adopt />
    </Message>
  );
}
