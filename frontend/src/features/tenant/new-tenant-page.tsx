import { zodResolver } from "@hookform/resolvers/zod";
import { useMutation } from "@tanstack/react-query";
import { useForm } from "react-hook-form";
import { isProblem } from "@/client/problem";
import { tenancy } from "@/client/tenancy";
import { ActionError } from "@/components/domain/query-error";
import { Button } from "@/components/ui/button";
import { Card, CardBody } from "@/components/ui/card";
import { Field, Input } from "@/components/ui/field";
import { PageHeader } from "@/components/ui/page";
import { useSwitchTenant } from "@/lib/session";
import { type Infer, z } from "@/lib/zod";

const schema = z.object({
  name: z.string().trim().max(100, "At most 100 characters."),
  slug: z
    .string()
    .trim()
    .min(2, "At least 2 characters.")
    .max(40, "At most 40 characters.")
    .regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/, "Lower-case letters, digits and inner hyphens only."),
});
type Form = Infer<typeof schema>;

export function NewTenantPage() {
  const form = useForm({ resolver: zodResolver(schema), defaultValues: { name: "", slug: "" } });
  const enter = useSwitchTenant();
  const create = useMutation({
    mutationFn: ({ slug, name }: Form) => tenancy.create({ slug, ...(name ? { name } : {}) }),
    onSuccess: ({ slug }) => enter.mutate(slug),
  });
  const taken = isProblem(create.error, 409) ? create.error.message : undefined;
  const slug = form.watch("slug").trim();
  return (
    <div className="max-w-xl">
      <PageHeader title="New tenant">
        Its own jobs, endpoints, members and Git repository, apart from those you are in now.
      </PageHeader>
      <Card aria-label="New tenant">
        <CardBody>
          <form
            noValidate
            className="flex flex-col gap-4"
            onSubmit={form.handleSubmit((body) => create.mutate(body))}
          >
            {!taken && <ActionError error={create.error ?? enter.error} />}
            <Field
              label="Address"
              error={form.formState.errors.slug?.message ?? taken}
              hint={
                <>
                  It stays for good: its repository will be{" "}
                  <code className="break-all font-mono">crontopus/job-manifests-{slug || "…"}</code>
                </>
              }
            >
              <Input autoComplete="off" autoCapitalize="none" spellCheck={false} {...form.register("slug")} />
            </Field>
            <Field
              label="Name"
              aside="optional"
              error={form.formState.errors.name?.message}
              hint="What people see. It can be changed."
            >
              <Input autoComplete="off" {...form.register("name")} />
            </Field>
            <div>
              <Button type="submit" variant="primary" busy={create.isPending || enter.isPending}>
                Create tenant
              </Button>
            </div>
          </form>
        </CardBody>
      </Card>
    </div>
  );
}
