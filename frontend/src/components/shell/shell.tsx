import { Dialog } from "@base-ui/react/dialog";
import { Link } from "@tanstack/react-router";
import { Menu as MenuIcon, X } from "lucide-react";
import { type ReactNode, useState } from "react";
import { backdropClass } from "@/components/ui/dialog";
import { Logo } from "@/components/ui/logo";
import { useSession } from "@/lib/session";
import { LiveBadge } from "./live-badge";
import { Nav } from "./nav";
import { UserMenu } from "./user-menu";

function Tenant() {
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

function Drawer() {
  const [open, setOpen] = useState(false);
  return (
    <Dialog.Root open={open} onOpenChange={setOpen}>
      <Dialog.Trigger
        aria-label="Open menu"
        className="grid size-10 place-items-center rounded-md hover:bg-hover"
      >
        <MenuIcon aria-hidden className="size-5" />
      </Dialog.Trigger>
      <Dialog.Portal>
        <Dialog.Backdrop className={backdropClass} />
        <Dialog.Popup className="fixed inset-y-0 left-0 z-50 flex w-72 max-w-[85vw] flex-col gap-4 border-line border-r bg-surface p-3 shadow-pop outline-none transition-transform duration-150 data-ending-style:-translate-x-full data-starting-style:-translate-x-full">
          <div className="flex items-center justify-between">
            <Dialog.Title className="sr-only">Menu</Dialog.Title>
            <Tenant />
            <Dialog.Close
              aria-label="Close menu"
              className="grid size-10 place-items-center rounded-md hover:bg-hover"
            >
              <X aria-hidden className="size-5" />
            </Dialog.Close>
          </div>
          <Nav onNavigate={() => setOpen(false)} />
          <div className="mt-auto border-line border-t pt-2">
            <UserMenu />
          </div>
        </Dialog.Popup>
      </Dialog.Portal>
    </Dialog.Root>
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
        <Drawer />
        <Tenant />
        <LiveBadge className="mr-2 ml-auto" />
      </header>
      <main
        id="main"
        tabIndex={-1}
        className="mx-auto w-full min-w-0 max-w-[76rem] px-4 py-6 outline-none md:px-8"
      >
        {children}
      </main>
    </div>
  );
}
