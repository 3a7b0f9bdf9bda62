import { Dialog } from "@base-ui/react/dialog";
import { X } from "lucide-react";
import { type ComponentProps, type ReactElement, useState } from "react";
import { backdropClass } from "@/components/ui/dialog";
import { Nav } from "./nav";
import { Tenant } from "./tenant";
import { UserMenu } from "./user-menu";

/** Opens as soon as it is there: somebody has asked for it. */
export default function Drawer({ trigger }: { trigger: ReactElement<ComponentProps<"button">> }) {
  const [open, setOpen] = useState(true);
  return (
    <Dialog.Root open={open} onOpenChange={setOpen}>
      <Dialog.Trigger render={trigger} />
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
