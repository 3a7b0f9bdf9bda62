import { ChevronsUpDown } from "lucide-react";
import { type ComponentProps, lazy, Suspense, useState } from "react";
import { useSession } from "@/lib/session";

const popup = () => import("./user-menu-popup");
const UserMenuPopup = lazy(popup);

function Face(props: ComponentProps<"button">) {
  const { user } = useSession();
  return (
    <button
      type="button"
      className="flex h-11 w-full items-center gap-2.5 rounded-md px-2 text-left hover:bg-hover data-popup-open:bg-hover"
      {...props}
    >
      <span
        aria-hidden
        className="grid size-7 shrink-0 place-items-center rounded-full bg-accent-soft font-semibold text-accent-text text-xs uppercase"
      >
        {user.username.slice(0, 1)}
      </span>
      <span className="min-w-0 flex-1">
        <span className="block truncate font-medium text-sm leading-4.5">{user.username}</span>
        <span className="block truncate text-subtle text-xs leading-4">{user.email}</span>
      </span>
      <ChevronsUpDown aria-hidden className="size-4 shrink-0 text-subtle" />
      <span className="sr-only">: account, theme and sign out</span>
    </button>
  );
}

/** The menu itself is fetched when it is wanted; a pointer or the focus coming near is sign enough to begin. */
export function UserMenu() {
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
      <UserMenuPopup trigger={<Face />} />
    </Suspense>
  );
}
