import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { Wordmark } from "@/components/ui/logo";

const linkClass = "font-medium text-accent-text underline-offset-2 hover:underline";

type Props = { title: string; lead?: ReactNode; children: ReactNode; foot?: ReactNode };

/** The page around signing in and all that leads to it. */
export function AuthFrame({ title, lead, children, foot }: Props) {
  return (
    <main className="grid min-h-dvh place-items-center px-4 py-10">
      <div className="w-full max-w-sm">
        <div className="mb-7 flex justify-center">
          <Wordmark />
        </div>
        <div className="rounded-xl border border-line bg-surface p-6 shadow-card">
          <h1 className="font-semibold text-xl tracking-tight">{title}</h1>
          {lead && <div className="mt-0.5 text-muted text-sm">{lead}</div>}
          <div className="mt-5">{children}</div>
        </div>
        {foot && <p className="mt-5 text-center text-muted text-sm">{foot}</p>}
      </div>
    </main>
  );
}

export const ToSignIn = ({ children = "Sign in" }: { children?: ReactNode }) => (
  <Link to="/sign-in" className={linkClass}>
    {children}
  </Link>
);

export const ToSignUp = () => (
  <Link to="/sign-up" className={linkClass}>
    Sign up
  </Link>
);

export const ToForgotten = () => (
  <Link to="/forgot-password" className={linkClass}>
    Forgotten?
  </Link>
);
