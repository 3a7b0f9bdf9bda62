import type { ReactNode } from "react";
import { Wordmark } from "@/components/ui/logo";

/** The page around sign-in and sign-up. */
export function AuthFrame({
  title,
  lead,
  children,
  foot,
}: {
  title: string;
  lead: string;
  children: ReactNode;
  foot: ReactNode;
}) {
  return (
    <main className="grid min-h-dvh place-items-center px-4 py-10">
      <div className="w-full max-w-sm">
        <div className="mb-7 flex justify-center">
          <Wordmark />
        </div>
        <div className="rounded-xl border border-line bg-surface p-6 shadow-card">
          <h1 className="font-semibold text-xl tracking-tight">{title}</h1>
          <p className="mt-0.5 mb-5 text-muted text-sm">{lead}</p>
          {children}
        </div>
        <p className="mt-5 text-center text-muted text-sm">{foot}</p>
      </div>
    </main>
  );
}
