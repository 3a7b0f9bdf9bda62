import { type ErrorComponentProps, Link, useRouter } from "@tanstack/react-router";
import { Compass } from "lucide-react";
import { QueryError } from "@/components/domain/query-error";
import { buttonVariants } from "@/components/ui/button";
import { Empty } from "@/components/ui/message";
import { Spinner } from "@/components/ui/spinner";

export function PageError({ error, reset }: ErrorComponentProps) {
  const router = useRouter();
  const retry = () => {
    reset();
    void router.invalidate();
  };
  return <QueryError error={error} retry={retry} />;
}

export function PageNotFound() {
  return (
    <Empty
      page
      icon={<Compass />}
      title="There is nothing at this address"
      actions={
        <Link to="/jobs" className={buttonVariants()}>
          Go to jobs
        </Link>
      }
    >
      It may have been deleted or renamed, or it belongs to another tenant.
    </Empty>
  );
}

export function PagePending() {
  return (
    <div role="status" className="grid min-h-60 place-items-center text-subtle">
      <Spinner className="size-5" />
      <span className="sr-only">Loading</span>
    </div>
  );
}
