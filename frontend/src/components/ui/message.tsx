import { CircleAlert, Info, TriangleAlert } from "lucide-react";
import type { ReactNode } from "react";
import { cn } from "@/lib/cn";

const tones = {
  bad: { box: "border-bad-solid/35 bg-bad-soft", icon: <CircleAlert className="text-bad" /> },
  warn: { box: "border-warn-solid/45 bg-warn-soft", icon: <TriangleAlert className="text-warn" /> },
  info: { box: "border-line bg-sunken", icon: <Info className="text-muted" /> },
};

type Props = {
  tone: keyof typeof tones;
  title: ReactNode;
  children?: ReactNode;
  actions?: ReactNode;
  className?: string;
  /** An answer to what the user just did is announced at once. */
  announce?: boolean;
};

export function Message({ tone, title, children, actions, className, announce = false }: Props) {
  const { box, icon } = tones[tone];
  return (
    <div
      role={announce ? "alert" : undefined}
      className={cn("flex items-start gap-2.5 rounded-lg border px-3 py-2.5 text-sm", box, className)}
    >
      <span aria-hidden className="mt-0.5 shrink-0 [&_svg]:size-4">
        {icon}
      </span>
      <div className="min-w-0 flex-1">
        <p className="font-medium">{title}</p>
        {children && <div className="mt-0.5 text-muted">{children}</div>}
      </div>
      {actions && <div className="flex shrink-0 items-center gap-2">{actions}</div>}
    </div>
  );
}

type EmptyProps = {
  icon: ReactNode;
  title: string;
  children?: ReactNode;
  actions?: ReactNode;
  /** It is the whole page, so its title is the page's. */
  page?: boolean;
};

/** Nothing here, and what to do about it. */
export function Empty({ icon, title, children, actions, page = false }: EmptyProps) {
  const Heading = page ? "h1" : "h2";
  return (
    <div className="flex flex-col items-center px-6 py-12 text-center">
      <div
        aria-hidden
        className="mb-4 grid size-11 place-items-center rounded-xl border border-line bg-sunken text-subtle [&_svg]:size-5"
      >
        {icon}
      </div>
      <Heading className="font-medium text-lg">{title}</Heading>
      {children && <div className="mt-1 max-w-md text-muted text-sm">{children}</div>}
      {actions && <div className="mt-5 flex flex-wrap justify-center gap-2">{actions}</div>}
    </div>
  );
}
