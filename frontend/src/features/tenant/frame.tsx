import type { ReactNode } from "react";
import { PageHeader } from "@/components/ui/page";
import { TabLinks } from "@/components/ui/tabs";
import { useMay, useSession } from "@/lib/session";

const TABS = [
  { to: "/settings", label: "General" },
  { to: "/settings/members", label: "Members" },
  { to: "/settings/usage", label: "Plan and usage" },
  { to: "/settings/audit", label: "Audit log" },
] as const;

type Props = { at: (typeof TABS)[number]["to"]; actions?: ReactNode; children: ReactNode };

/** The pages of a tenant's settings. */
export function SettingsFrame({ at, actions, children }: Props) {
  const { tenant } = useSession();
  const admin = useMay("tenant:admin");
  return (
    <>
      <PageHeader title="Tenant settings" actions={actions}>
        {tenant.name}: its people, its plan and what was done in it.
      </PageHeader>
      <TabLinks
        label="Settings"
        tabs={TABS.filter(({ to }) => admin || to !== "/settings/audit").map(({ to, label }) => ({
          label,
          active: to === at,
          link: { to, search: {} },
        }))}
      />
      {children}
    </>
  );
}
