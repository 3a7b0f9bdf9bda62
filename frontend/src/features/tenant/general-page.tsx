import { zodResolver } from "@hookform/resolvers/zod";
import { useMutation } from "@tanstack/react-query";
import { Download } from "lucide-react";
import { useForm } from "react-hook-form";
import { tenancy, tenantExport } from "@/client/tenancy";
import { ActionError } from "@/components/domain/query-error";
import { Button, buttonVariants } from "@/components/ui/button";
import { Card, CardBody, CardHeader } from "@/components/ui/card";
import { Field, Input } from "@/components/ui/field";
import { Facts } from "@/components/ui/page";
import { toast } from "@/components/ui/toast";
import { useMay, useRefreshSession, useSession } from "@/lib/session";
import { z } from "@/lib/zod";
import { Discovery } from "./discovery";
import { Endings } from "./endings";
import { SettingsFrame } from "./frame";

export function GeneralPage() {
  const { tenant } = useSession();
  const admin = useMay("tenant:admin");
  return (
    <SettingsFrame at="/settings">
      <div className="grid max-w-3xl gap-5">
        <Card aria-label="Tenant">
          <CardHeader title="Tenant" />
          <CardBody className="flex flex-col gap-5">
            <Facts
              items={[
                ...(admin ? [] : [{ label: "Name", value: tenant.name }]),
                {
                  label: "Address",
                  value: <code className="break-all font-mono text-xs">{tenant.slug}</code>,
                },
                { label: "You are", value: tenant.role },
              ]}
            />
            {admin && <Rename key={tenant.id} name={tenant.name} />}
          </CardBody>
        </Card>
        {admin && <Discovery />}
        {admin && (
          <Card aria-label="Export">
            <CardHeader title="Export" />
            <CardBody className="flex flex-wrap items-center justify-between gap-3 text-sm">
              <p className="max-w-md text-muted">
                Everything the tenant has, as a zip file: the repository as a Git bundle, runs, incidents and
                settings as text. Nothing secret is in it.
              </p>
              <a href={tenantExport} download className={buttonVariants()}>
                <Download aria-hidden /> Export
              </a>
            </CardBody>
          </Card>
        )}
        <Endings />
      </div>
    </SettingsFrame>
  );
}

const schema = z.object({
  name: z.string().trim().min(1, "Give it a name.").max(100, "At most 100 characters."),
});

function Rename({ name }: { name: string }) {
  const refresh = useRefreshSession();
  const form = useForm({ resolver: zodResolver(schema), values: { name } });
  const rename = useMutation({
    mutationFn: (body: { name: string }) => tenancy.rename(body.name),
    onSuccess: async () => {
      toast.ok("Renamed");
      await refresh();
    },
  });
  return (
    <form
      noValidate
      className="flex flex-col gap-3"
      onSubmit={form.handleSubmit((body) => rename.mutate(body))}
    >
      <ActionError error={rename.error} />
      <Field
        label="Name"
        error={form.formState.errors.name?.message}
        hint="The address stays: machines and Git remotes know it."
      >
        <Input autoComplete="off" {...form.register("name")} />
      </Field>
      <div>
        <Button type="submit" busy={rename.isPending} disabled={!form.formState.isDirty}>
          Rename
        </Button>
      </div>
    </form>
  );
}
