import { AlertDialog as Alert } from "@base-ui/react/alert-dialog";
import { Dialog as Base } from "@base-ui/react/dialog";
import { X } from "lucide-react";
import { type ReactNode, useRef } from "react";
import { cn } from "@/lib/cn";
import { Button } from "./button";

export const backdropClass =
  "fixed inset-0 z-40 bg-[oklch(0.12_0.01_285/0.5)] transition-opacity duration-150 data-ending-style:opacity-0 data-starting-style:opacity-0";
const popupClass =
  "fixed top-[max(1rem,12vh)] left-1/2 z-50 max-h-[calc(100dvh-max(1rem,12vh)-1rem)] w-[calc(100vw-2rem)] -translate-x-1/2 overflow-y-auto rounded-xl border border-line bg-surface shadow-pop outline-none transition-[opacity,scale] duration-150 data-ending-style:scale-97 data-starting-style:scale-97 data-ending-style:opacity-0 data-starting-style:opacity-0 max-md:top-4 max-md:max-h-[calc(100dvh-2rem)]";

type DialogProps = {
  open: boolean;
  onOpenChange: (open: boolean) => void;
  title: string;
  description?: ReactNode;
  children: ReactNode;
  className?: string;
  /** Off while losing the content would hurt: a secret that is shown once. */
  dismissible?: boolean;
};

export function Dialog({
  open,
  onOpenChange,
  title,
  description,
  children,
  className,
  dismissible = true,
}: DialogProps) {
  return (
    <Base.Root open={open} onOpenChange={onOpenChange} disablePointerDismissal={!dismissible}>
      <Base.Portal>
        <Base.Backdrop className={backdropClass} />
        <Base.Popup className={cn(popupClass, "max-w-lg", className)}>
          <div className="flex items-start justify-between gap-4 px-5 pt-4">
            <div>
              <Base.Title className="font-semibold text-lg">{title}</Base.Title>
              {description && (
                <Base.Description className="mt-0.5 text-muted text-sm">{description}</Base.Description>
              )}
            </div>
            <Base.Close
              aria-label="Close"
              className="-mr-1.5 grid size-8 shrink-0 place-items-center rounded-md text-muted hover:bg-hover hover:text-text"
            >
              <X aria-hidden className="size-4" />
            </Base.Close>
          </div>
          <div className="px-5 pt-4 pb-5">{children}</div>
        </Base.Popup>
      </Base.Portal>
    </Base.Root>
  );
}

type ConfirmProps = {
  open: boolean;
  onOpenChange: (open: boolean) => void;
  title: string;
  children: ReactNode;
  /** What to look at or fill in first. Not part of the description: a screen reader reads that out at once. */
  body?: ReactNode;
  /** The first field of `body` has the focus, and not the safe answer. */
  focusBody?: boolean;
  confirm: string;
  variant?: "danger" | "primary";
  busy?: boolean;
  disabled?: boolean;
  onConfirm: () => void;
};

/** Before something that matters. The safe answer has the focus. */
export function Confirm({
  open,
  onOpenChange,
  title,
  children,
  body,
  focusBody = false,
  confirm,
  variant = "danger",
  busy = false,
  disabled = false,
  onConfirm,
}: ConfirmProps) {
  const cancel = useRef<HTMLButtonElement>(null);
  return (
    <Alert.Root open={open} onOpenChange={onOpenChange}>
      <Alert.Portal>
        <Alert.Backdrop className={backdropClass} />
        <Alert.Popup
          initialFocus={focusBody ? undefined : cancel}
          className={cn(popupClass, "flex flex-col overflow-hidden", body ? "max-w-2xl" : "max-w-md")}
        >
          <div className="min-h-0 overflow-y-auto p-5">
            <Alert.Title className="break-words font-semibold text-lg">{title}</Alert.Title>
            <Alert.Description render={<div />} className="mt-1.5 text-muted text-sm">
              {children}
            </Alert.Description>
            {body && <div className="mt-4">{body}</div>}
          </div>
          <div
            className={cn(
              "flex shrink-0 justify-end gap-2 px-5",
              body ? "border-line border-t py-3.5" : "pb-5",
            )}
          >
            <Alert.Close ref={cancel} render={<Button variant="secondary" />}>
              Cancel
            </Alert.Close>
            <Button variant={variant} busy={busy} disabled={disabled} onClick={onConfirm}>
              {confirm}
            </Button>
          </div>
        </Alert.Popup>
      </Alert.Portal>
    </Alert.Root>
  );
}
