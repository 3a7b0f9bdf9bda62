import { zodResolver } from "@hookform/resolvers/zod";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { Controller, useForm } from "react-hook-form";
import { api } from "@/client/api";
import type { TokenCreated } from "@/client/types";
import { ActionError } from "@/components/domain/query-error";
import { Button } from "@/components/ui/button";
import { Checkbox } from "@/components/ui/checkbox";
import { CodeBlock } from "@/components/ui/code";
import { Dialog } from "@/components/ui/dialog";
import { Field, Input } from "@/components/ui/field";
import { Message } from "@/components/ui/message";
import { Secret } from "@/components/ui/secret";
import { Select } from "@/components/ui/select";
import { useSession } from "@/lib/session";
import { type Infer, z } from "@/lib/zod";

const DAY = 86_400;
const EXPIRY = [
  { value: "30", label: "In 30 days" },
  { value: "90", label: "In 90 days" },
  { value: "365", label: "In a year" },
  { value: "never", label: "Never" },
] as const;

const schema = z.object({
  name: z
    .string()
    .trim()
    .min(1, "Give it a name that says where it is used.")
    .max(100, "At most 100 characters."),
  expiry: z.enum(["30", "90", "365", "never"]),
  scopes: z.array(z.string()).min(1, "Choose one scope at least."),
});
type Form = Infer<typeof schema>;

const create = ({ name, expiry, scopes }: Form) =>
  api.createToken({
    name,
    scopes,
    ...(expiry === "never" ? {} : { expires_in_seconds: Number(expiry) * DAY }),
  });

function Scopes({
  all,
  value,
  onChange,
}: {
  all: string[];
  value: string[];
  onChange: (value: string[]) => void;
}) {
  const toggle = (scope: string, on: boolean) =>
    onChange(
      on
        ? all.filter((each) => each === scope || value.includes(each))
        : value.filter((each) => each !== scope),
    );
  return (
    <div className="grid grid-cols-2 gap-2">
      {all.map((scope) => (
        <Checkbox key={scope} checked={value.includes(scope)} onChange={(on) => toggle(scope, on)}>
          <code className="font-mono text-xs">{scope}</code>
        </Checkbox>
      ))}
    </div>
  );
}

function TokenForm({
  onCreated,
  onCancel,
}: {
  onCreated: (created: TokenCreated) => void;
  onCancel: () => void;
}) {
  const { scopes: all } = useSession();
  const queries = useQueryClient();
  const form = useForm<Form>({
    resolver: zodResolver(schema),
    defaultValues: { name: "", expiry: "90", scopes: all },
  });
  const { errors } = form.formState;
  const mutation = useMutation({
    mutationFn: create,
    onSuccess: (created) => {
      onCreated(created);
      void queries.invalidateQueries({ queryKey: ["tokens"] });
    },
  });
  return (
    <form
      noValidate
      className="flex flex-col gap-4"
      onSubmit={form.handleSubmit((body) => mutation.mutate(body))}
    >
      <ActionError error={mutation.error} />
      <Field label="Name" error={errors.name?.message}>
        <Input placeholder="ci" autoComplete="off" {...form.register("name")} />
      </Field>
      <div className="flex flex-col gap-1.5">
        <span className="font-medium text-sm">Expires</span>
        <Controller
          control={form.control}
          name="expiry"
          render={({ field }) => (
            <Select label="Expires" value={field.value} options={[...EXPIRY]} onChange={field.onChange} />
          )}
        />
      </div>
      <fieldset className="flex flex-col gap-2">
        <legend className="mb-2 font-medium text-sm">Scopes</legend>
        <Controller
          control={form.control}
          name="scopes"
          render={({ field }) => <Scopes all={all} value={field.value} onChange={field.onChange} />}
        />
        {errors.scopes && (
          <p role="alert" className="text-bad text-sm">
            {errors.scopes.message}
          </p>
        )}
      </fieldset>
      <div className="flex justify-end gap-2">
        <Button onClick={onCancel}>Cancel</Button>
        <Button type="submit" variant="primary" busy={mutation.isPending}>
          Create token
        </Button>
      </div>
    </form>
  );
}

function Created({ secret, onDone }: { secret: string; onDone: () => void }) {
  const { repository } = useSession();
  const clone = repository.clone_url.replace("://", "://x:$TOKEN@");
  return (
    <div className="flex flex-col gap-4">
      <Message tone="warn" title="Copy it now">
        It is stored as a hash and cannot be shown again.
      </Message>
      <Secret label="Token" value={secret} />
      <CodeBlock
        title="Use it"
        what="example commands"
        code={`export TOKEN='${secret}'\ncurl -H "Authorization: Bearer $TOKEN" ${window.location.origin}/api/v1/jobs\ngit clone "${clone}"`}
      />
      <div className="flex justify-end">
        <Button variant="primary" onClick={onDone}>
          Done
        </Button>
      </div>
    </div>
  );
}

export function CreateToken({
  open,
  onOpenChange,
}: {
  open: boolean;
  onOpenChange: (open: boolean) => void;
}) {
  const [created, setCreated] = useState<TokenCreated | null>(null);
  const change = (next: boolean) => {
    if (next) setCreated(null);
    onOpenChange(next);
  };
  if (!open && created) setCreated(null);
  return (
    <Dialog
      open={open}
      onOpenChange={change}
      dismissible={!created}
      title={created ? `Token “${created.token.name}”` : "New token"}
      description={created ? undefined : "It acts as you, within the scopes you choose."}
    >
      {created ? (
        <Created secret={created.secret} onDone={() => change(false)} />
      ) : (
        <TokenForm onCreated={setCreated} onCancel={() => change(false)} />
      )}
    </Dialog>
  );
}
