import { cn } from "@/lib/cn";

/** The mark: an octopus whose face is a clock. public/favicon.svg is the same drawing. */
export function Logo({ className }: { className?: string }) {
  return (
    <svg viewBox="0 0 32 32" fill="none" aria-hidden="true" className={cn("size-7 text-accent", className)}>
      <g stroke="currentColor" strokeWidth="3.4" strokeLinecap="round">
        <path d="M8.2 18.5c.2 3.8-1.1 6.2-4.7 6.7" />
        <path d="M13.2 20c.3 4.2-.4 7.3-3.7 9" />
        <path d="M18.8 20c-.3 4.2.4 7.3 3.7 9" />
        <path d="M23.8 18.5c-.2 3.8 1.1 6.2 4.7 6.7" />
      </g>
      <circle cx="16" cy="12" r="10.5" fill="currentColor" />
      <circle cx="16" cy="12" r="6.4" className="fill-on-accent" />
      <path
        d="M16 8v4.2l2.7 1.7"
        stroke="currentColor"
        strokeWidth="2"
        strokeLinecap="round"
        strokeLinejoin="round"
      />
    </svg>
  );
}

export function Wordmark() {
  return (
    <span className="flex items-center gap-2">
      <Logo />
      <span className="font-semibold text-lg tracking-tight">Crontopus</span>
    </span>
  );
}
