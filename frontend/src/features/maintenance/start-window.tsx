import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { alerting } from "@/client/alerting";
import { ActionError } from "@/components/domain/query-error";
import { Button } from "@/components/ui/button";
import { Dialog } from "@/components/ui/dialog";
import { Field, Input } from "@/components/ui/field";
import { Select } from "@/components/ui/select";
import { toast } from "@/components/ui/toast";
import { parseLabels } from "@/lib/labels";

const LENGTHS = [
  { value: "1800", label: "30 minutes" },
  { value: "3600", label: "1 hour" },
  { value: "7200", label: "2 hours" },
  { value: "14400", label: "4 hours" },
  { value: "28800", label: "8 hours" },
  { value: "86400", label: "1 day" },
] as const;

const names = (text: string) => text.split(/[\s,]+/).filter(Boolean);

function StartForm({ close }: { close: () => void }) {
  const queries = useQueryClient();
  const [reason, setReason] = useState("");
  const [length, setLength] = useState<(typeof LENGTHS)[number]["value"]>("3600");
  const [spaces, setSpaces] = useState("");
  const [labels, setLabels] = useState("");
  const parsed = parseLabels(labels);
  const wrong = "wrong" in parsed ? `“${parsed.wrong}” is not a label. Write key=value.` : undefined;
  const start = useMutation({
    mutationFn: alerting.startWindow,
    onSuccess: async () => {
      await queries.invalidateQueries({ queryKey: ["jobs", "windows"] });
      toast.ok("Maintenance has begun", "Nothing is expected of these jobs until it ends.");
      close();
    },
  });
  const go = (event: FormEvent) => {
    event.preventDefault();
    if ("wrong" in parsed) return;
    const namespaces = names(spaces);
    start.mutate({
      duration_seconds: Number(length),
      reason: reason.trim() || undefined,
      match: {
        ...(namespaces.length > 0 && { namespaces }),
        ...(Object.keys(parsed.labels).length > 0 && { matchLabels: parsed.labels }),
      },
    });
  };
  const all = names(spaces).length === 0 && labels.trim() === "";
  return (
    <form noValidate className="flex flex-col gap-4" onSubmit={go}>
      <ActionError error={start.error} />
      <Field label="Reason" aside="optional" hint="Shown wherever somebody asks why it is quiet.">
        <Input value={reason} maxLength={1024} placeholder="Database upgrade" onValueChange={setReason} />
      </Field>
      <div className="flex flex-col gap-1.5">
        <span className="font-medium text-sm">For</span>
        <Select label="For" value={length} options={LENGTHS} onChange={setLength} />
      </div>
      <Field label="Namespaces" aside="optional">
        <Input
          value={spaces}
          placeholder="production"
          autoCapitalize="none"
          spellCheck={false}
          onValueChange={setSpaces}
        />
      </Field>
      <Field label="Labels" aside="optional" error={wrong}>
        <Input
          value={labels}
          placeholder="role=db"
          autoCapitalize="none"
          spellCheck={false}
          onValueChange={setLabels}
        />
      </Field>
      <p className="text-muted text-sm">
        {all ? "It is about all jobs of the tenant." : "It is about the jobs that fit all of that."} Runs
        still happen; none that is missing or fails is told to anybody.
      </p>
      <div className="flex justify-end gap-2">
        <Button onClick={close}>Cancel</Button>
        <Button type="submit" variant="primary" busy={start.isPending}>
          Start now
        </Button>
      </div>
    </form>
  );
}

export const StartWindow = ({
  open,
  onOpenChange,
}: {
  open: boolean;
  onOpenChange: (open: boolean) => void;
}) => (
  <Dialog
    open={open}
    onOpenChange={onOpenChange}
    title="Start maintenance now"
    description="Committed to your repository as a window for this once."
  >
    <StartForm close={() => onOpenChange(false)} />
  </Dialog>
);
