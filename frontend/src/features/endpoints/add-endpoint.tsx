import { zodResolver } from "@hookform/resolvers/zod";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useForm } from "react-hook-form";
import { api } from "@/client/api";
import type { Endpoint, EnrollmentTokenCreated } from "@/client/types";
import { ActionError } from "@/components/domain/query-error";
import { Button } from "@/components/ui/button";
import { Dialog } from "@/components/ui/dialog";
import { Field, Input } from "@/components/ui/field";
import { parseLabels } from "@/lib/labels";
import { type Input as SchemaInput, type Output as SchemaOutput, z } from "@/lib/zod";
import { EnrollSteps } from "./enroll-steps";

const schema = z.object({
  name: z.string().trim().max(100, "At most 100 characters."),
  labels: z.string().superRefine((text, context) => {
    const parsed = parseLabels(text);
    if ("wrong" in parsed) {
      context.addIssue({
        code: "custom",
        message: `“${parsed.wrong}” is not a label. Write key=value, key=value.`,
      });
    }
  }),
  uses: z.coerce
    .number("A number from 1 to 1,000.")
    .int("A whole number.")
    .min(1, "One at least.")
    .max(1000, "1,000 at most."),
});
type Input_ = SchemaInput<typeof schema>;
type Output = SchemaOutput<typeof schema>;

function create({ name, labels, uses }: Output): Promise<EnrollmentTokenCreated> {
  const parsed = parseLabels(labels);
  return api.createEnrollmentToken({
    ...(name ? { name } : {}),
    uses,
    expires_in_seconds: 3600,
    labels: "labels" in parsed ? parsed.labels : {},
  });
}

type FormProps = {
  labels: string;
  onCreated: (created: EnrollmentTokenCreated) => void;
  onCancel: () => void;
};

function TokenForm({ labels, onCreated, onCancel }: FormProps) {
  const queries = useQueryClient();
  const form = useForm<Input_, unknown, Output>({
    resolver: zodResolver(schema),
    defaultValues: { name: "", labels, uses: 1 },
  });
  const { errors } = form.formState;
  const mutation = useMutation({
    mutationFn: create,
    onSuccess: (created) => {
      onCreated(created);
      void queries.invalidateQueries({ queryKey: ["endpoints", "enrollment-tokens"] });
    },
  });
  return (
    <form
      noValidate
      className="flex flex-col gap-4"
      onSubmit={form.handleSubmit((body) => mutation.mutate(body))}
    >
      <ActionError error={mutation.error} />
      <Field
        label="Labels"
        aside="optional"
        error={errors.labels?.message}
        hint="Jobs choose their endpoints by label."
      >
        <Input
          placeholder="role=db, env=prod"
          autoComplete="off"
          spellCheck={false}
          {...form.register("labels")}
        />
      </Field>
      <div className="grid gap-4 sm:grid-cols-2">
        <Field label="Machines" error={errors.uses?.message} hint="How many may use this token.">
          <Input type="number" min={1} max={1000} inputMode="numeric" {...form.register("uses")} />
        </Field>
        <Field label="Note" aside="optional" error={errors.name?.message} hint="To tell tokens apart.">
          <Input placeholder="db fleet" autoComplete="off" {...form.register("name")} />
        </Field>
      </div>
      <div className="flex justify-end gap-2">
        <Button onClick={onCancel}>Cancel</Button>
        <Button type="submit" variant="primary" busy={mutation.isPending}>
          Create token
        </Button>
      </div>
    </form>
  );
}

type Props = { open: boolean; onOpenChange: (open: boolean) => void; labels: string; endpoints: Endpoint[] };

export function AddEndpoint({ open, onOpenChange, labels, endpoints }: Props) {
  const [created, setCreated] = useState<EnrollmentTokenCreated | null>(null);
  const [known, setKnown] = useState<string[]>([]);
  if (!open && created) setCreated(null);
  const arrived = created ? endpoints.filter((endpoint) => !known.includes(endpoint.id)) : [];
  const onCreated = (next: EnrollmentTokenCreated) => {
    setKnown(endpoints.map(({ id }) => id));
    setCreated(next);
  };
  return (
    <Dialog
      open={open}
      onOpenChange={onOpenChange}
      dismissible={!created}
      title="Add an endpoint"
      description={
        created
          ? "Run this on the machine."
          : "An endpoint is one machine running the agent. It needs no open port."
      }
      className="max-w-xl"
    >
      {created ? (
        <EnrollSteps created={created} arrived={arrived} onDone={() => onOpenChange(false)} />
      ) : (
        <TokenForm labels={labels} onCreated={onCreated} onCancel={() => onOpenChange(false)} />
      )}
    </Dialog>
  );
}
