import { Link } from "@tanstack/react-router";
import { Lock } from "lucide-react";
import type { ReactNode } from "react";
import { buttonVariants } from "@/components/ui/button";
import { Empty } from "@/components/ui/message";
import { type Scope, useMay } from "@/lib/session";

type Props = { scope: Scope; children: ReactNode; otherwise?: ReactNode };

/** Offers only what the service would not refuse. It decides all the same. */
export const May = ({ scope, children, otherwise = null }: Props) => (useMay(scope) ? children : otherwise);

/** A page that is there to change jobs, for somebody who may only look at them. */
export const JobsAreToLookAt = () => (
  <Empty
    page
    icon={<Lock />}
    title="Your role may not change jobs"
    actions={
      <Link to="/jobs" className={buttonVariants()}>
        All jobs
      </Link>
    }
  >
    An owner or admin of this tenant can make you an editor.
  </Empty>
);

/** The same for channels, routes and windows. */
export const AlertsAreToLookAt = () => (
  <Empty
    page
    icon={<Lock />}
    title="Your role may not change who is told"
    actions={
      <Link to="/incidents" className={buttonVariants()}>
        Incidents
      </Link>
    }
  >
    An owner or admin of this tenant can make you an admin.
  </Empty>
);
