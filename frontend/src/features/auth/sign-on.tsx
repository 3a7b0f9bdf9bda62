import { KeyRound } from "lucide-react";
import { API, withQuery } from "@/client/http";
import { buttonVariants } from "@/components/ui/button";
import { cn } from "@/lib/cn";
import { safeRedirect } from "./redirect";

/** Leaves for the provider. A link and not a request: the answer is another site's page. */
export function SignOn({ name, redirectTo }: { name: string; redirectTo: string | undefined }) {
  return (
    <div className="mb-4 flex flex-col gap-4">
      <a
        href={withQuery(`${API}/auth/oidc/start`, { return_to: safeRedirect(redirectTo) })}
        className={cn(buttonVariants({ size: "lg" }))}
      >
        <KeyRound aria-hidden /> Continue with {name}
      </a>
      <p className="flex items-center gap-3 text-subtle text-xs before:h-px before:flex-1 before:bg-line after:h-px after:flex-1 after:bg-line">
        or
      </p>
    </div>
  );
}
