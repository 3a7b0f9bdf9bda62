import { Menu as MenuIcon } from "lucide-react";
import { type ComponentProps, lazy, type ReactNode, Suspense, useState } from "react";
import { EndingBanner } from "./ending-banner";
import { LiveBadge } from "./live-badge";
import { Nav } from "./nav";
import { Tenant } from "./tenant";
import { UserMenu } from "./user-menu";

const drawer = () => import("./drawer");
const Drawer = lazy(drawer);

const MenuButton = (props: ComponentProps<"button">) => (
  <button
    type="button"
    aria-label="Open menu"
    className="grid size-10 place-items-center rounded-md hover:bg-hover"
    {...props}
  >
    <MenuIcon aria-hidden className="size-5" />
  </button>
);

/** For phones. Fetched when it is wanted. */
function PhoneMenu() {
  const [wanted, setWanted] = useState(false);
  const closed = (
    <MenuButton
      aria-haspopup="dialog"
      aria-expanded={false}
      onPointerEnter={() => void drawer()}
      onClick={() => setWanted(true)}
    />
  );
  if (!wanted) return closed;
  return (
    <Suspense fallback={closed}>
      <Drawer trigger={<MenuButton />} />
    </Suspense>
  );
}

export function Shell({ children }: { children: ReactNode }) {
  return (
    <div className="min-h-dvh md:grid md:grid-cols-[14.5rem_minmax(0,1fr)]">
      <a
        href="#main"
        className="fixed top-2 left-2 z-50 -translate-y-20 rounded-md bg-accent px-3 py-2 font-medium text-on-accent text-sm focus:translate-y-0"
      >
        Skip to content
      </a>
      <aside className="hidden border-line border-r bg-sunken md:block">
        <div className="sticky top-0 flex h-dvh flex-col gap-4 overflow-y-auto p-3">
          <Tenant />
          <Nav />
          <div className="mt-auto">
            <LiveBadge className="px-2.5 pb-2" />
            <div className="border-line border-t pt-2">
              <UserMenu />
            </div>
          </div>
        </div>
      </aside>
      <header className="sticky top-0 z-30 flex h-13 items-center gap-2 border-line border-b bg-surface px-2 md:hidden">
        <PhoneMenu />
        <Tenant />
        <LiveBadge className="mr-2 ml-auto" />
      </header>
      <main
        id="main"
        tabIndex={-1}
        className="mx-auto w-full min-w-0 max-w-[76rem] px-4 py-6 outline-none md:px-8"
      >
        <EndingBanner />
        {children}
      </main>
    </div>
  );
}
