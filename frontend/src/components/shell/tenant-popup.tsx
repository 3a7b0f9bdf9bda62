import { Link } from "@tanstack/react-router";
import { Building2, Plus, Settings } from "lucide-react";
import type { ReactElement } from "react";
import { explain } from "@/components/domain/query-error";
import { Menu, MenuItem, MenuRadio, MenuSeparator } from "@/components/ui/menu";
import { toast } from "@/components/ui/toast";
import { useSession, useSwitchTenant } from "@/lib/session";

/** Opens as soon as it is there: somebody has asked for it. */
export default function TenantPopup({ trigger }: { trigger: ReactElement }) {
  const { tenant, tenants } = useSession();
  const enter = useSwitchTenant();
  const go = (slug: string) => {
    if (slug === tenant.slug) return;
    enter.mutate(slug, { onError: (error) => toast.bad("Could not switch", explain(error).detail) });
  };
  return (
    <Menu align="start" trigger={trigger} defaultOpen>
      <MenuRadio
        label="Tenants"
        value={tenant.slug}
        options={tenants.map(({ slug, name }) => ({
          value: slug,
          label: name,
          icon: <Building2 aria-hidden />,
        }))}
        onChange={go}
      />
      <MenuSeparator />
      <MenuItem render={<Link to="/settings" />}>
        <Settings aria-hidden /> Settings
      </MenuItem>
      <MenuItem render={<Link to="/tenants/new" />}>
        <Plus aria-hidden /> New tenant
      </MenuItem>
    </Menu>
  );
}
