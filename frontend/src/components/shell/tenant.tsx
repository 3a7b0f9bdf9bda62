import { Link } from "@tanstack/react-router";
import { Logo } from "@/components/ui/logo";
import { useSession } from "@/lib/session";

export function Tenant() {
  const { tenant } = useSession();
  return (
    <Link to="/jobs" className="flex min-w-0 items-center gap-2.5 rounded-md px-1.5 py-1">
      <Logo className="shrink-0" />
      <span className="min-w-0">
        <span className="block truncate font-semibold leading-4.5">{tenant.name}</span>
        <span className="block text-subtle text-xs leading-4">Crontopus</span>
      </span>
    </Link>
  );
}
