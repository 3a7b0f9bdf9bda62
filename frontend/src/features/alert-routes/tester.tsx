import { useMutation } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { alerting } from "@/client/alerting";
import { INCIDENT_KINDS, type IncidentKind, SEVERITIES, type Severity } from "@/client/types";
import { kindWord, severityWord } from "@/components/domain/incident-words";
import { ActionError } from "@/components/domain/query-error";
import { Button } from "@/components/ui/button";
import { Card, CardBody, CardHeader } from "@/components/ui/card";
import { Field, Input } from "@/components/ui/field";
import { Select } from "@/components/ui/select";
import { TestAnswer } from "./test-answer";

const KIND_OPTIONS = INCIDENT_KINDS.map((value) => ({ value, label: kindWord(value) }));
const SEVERITY_OPTIONS = [
  { value: "" as const, label: "As the job says" },
  ...SEVERITIES.map((value) => ({ value, label: severityWord(value) })),
];

/** Local time as the field writes it, to the instant. */
const instant = (local: string) => (local ? new Date(local).toISOString() : undefined);

/** Asks who would be told, and tells nobody. */
export function Tester() {
  const [job, setJob] = useState("");
  const [kind, setKind] = useState<IncidentKind>("failing");
  const [severity, setSeverity] = useState<Severity | "">("");
  const [at, setAt] = useState("");
  const [tried, setTried] = useState(false);
  const test = useMutation({ mutationFn: alerting.testRoutes });
  const wrong = /^[^/\s]+\/[^/\s]+$/.test(job.trim()) ? undefined : "Write namespace/name.";
  const ask = (event: FormEvent) => {
    event.preventDefault();
    setTried(true);
    if (!wrong) test.mutate({ job: job.trim(), kind, severity: severity || undefined, at: instant(at) });
  };
  return (
    <Card aria-label="Who would be told">
      <CardHeader title="Who would be told?" />
      <CardBody className="flex flex-col gap-4">
        <form noValidate className="flex flex-col gap-3" onSubmit={ask}>
          <Field label="Job" error={tried ? wrong : undefined}>
            <Input
              value={job}
              placeholder="production/nightly-backup"
              autoComplete="off"
              autoCapitalize="none"
              spellCheck={false}
              onValueChange={setJob}
            />
          </Field>
          <div className="grid grid-cols-2 gap-3">
            <div className="flex flex-col gap-1.5">
              <span className="font-medium text-sm">Incident</span>
              <Select label="Incident" value={kind} options={KIND_OPTIONS} onChange={setKind} />
            </div>
            <div className="flex flex-col gap-1.5">
              <span className="font-medium text-sm">Severity</span>
              <Select label="Severity" value={severity} options={SEVERITY_OPTIONS} onChange={setSeverity} />
            </div>
          </div>
          <Field label="When" aside="default: now" hint="Your local time. Quiet hours count.">
            <Input type="datetime-local" value={at} onValueChange={setAt} />
          </Field>
          <div className="flex justify-end">
            <Button type="submit" busy={test.isPending}>
              Ask
            </Button>
          </div>
        </form>
        <ActionError error={test.error} />
        {test.data && <TestAnswer answer={test.data} />}
      </CardBody>
    </Card>
  );
}
