import { ChevronsUpDown } from "lucide-react";
import { type ComponentProps, lazy, Suspense, useState } from "react";
import { Logo } from "@/components/ui/logo";
import { useSession } from "@/lib/session";

const popup = () => import("./tenant-popup");
const TenantPopup = lazy(popup);

function Face(props: ComponentProps<"button">) {
  const { tenant } = useSession();
  return (
    <button
      type="button"
      className="flex min-w-0 items-center gap-2.5 rounded-md px-1.5 py-1 text-left hover:bg-hover data-popup-open:bg-hover"
      {...props}
    >
      <Logo className="shrink-0" />
      <span className="min-w-0 flex-1">
        <span className="block truncate font-semibold leading-4.5">{tenant.name}</span>
        <span className="block text-subtle text-xs leading-4">Crontopus</span>
      </span>
      <ChevronsUpDown aria-hidden className="size-4 shrink-0 text-subtle" />
      <span className="sr-only">: switch tenant</span>
    </button>
  );
}

/** The menu itself is fetched when it is wanted, as that of the user is. */
export function Tenant() {
  const [wanted, setWanted] = useState(false);
  const prefetch = () => void popup();
  const closed = (
    <Face
      aria-haspopup="menu"
      aria-expanded={false}
      onPointerEnter={prefetch}
      onFocus={prefetch}
      onClick={() => setWanted(true)}
    />
  );
  if (!wanted) return closed;
  return (
    <Suspense fallback={closed}>
      <TenantPopup trigger={<Face />} />
    </Suspense>
  );
}
