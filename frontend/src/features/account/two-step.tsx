import { useQuery, useQueryClient } from "@tanstack/react-query";
import { ShieldCheck, ShieldOff } from "lucide-react";
import { useState } from "react";
import { totpQuery } from "@/client/queries";
import type { Totp } from "@/client/types";
import { QueryError } from "@/components/domain/query-error";
import { Badge } from "@/components/ui/badge";
import { Button } from "@/components/ui/button";
import { Card, CardBody, CardHeader } from "@/components/ui/card";
import { Message } from "@/components/ui/message";
import { Skeleton } from "@/components/ui/skeleton";
import { plural } from "@/lib/format";
import { useRefreshSession, useSession } from "@/lib/session";
import { NoPassword } from "./no-password";
import { TotpChange } from "./totp-change";
import { TotpSetUp } from "./totp-set-up";

type Step = "set-up" | "disable" | "renew" | null;

export function TwoStep() {
  const { user } = useSession();
  const query = useQuery(totpQuery);
  return (
    <Card aria-label="Two-step sign-in">
      <CardHeader
        title="Two-step sign-in"
        aside={
          query.data &&
          (query.data.enabled ? (
            <Badge tone="ok" icon={<ShieldCheck aria-hidden />}>
              on
            </Badge>
          ) : (
            <Badge icon={<ShieldOff aria-hidden />}>off</Badge>
          ))
        }
      />
      {query.isPending && (
        <CardBody role="status" aria-label="Loading">
          <Skeleton className="h-16" />
        </CardBody>
      )}
      {query.isError && !query.data && (
        <QueryError error={query.error} retry={() => void query.refetch()} busy={query.isFetching} />
      )}
      {query.data && (
        <CardBody>{user.has_password ? <State totp={query.data} /> : <NoPassword what="this" />}</CardBody>
      )}
    </Card>
  );
}

function State({ totp }: { totp: Totp }) {
  const queries = useQueryClient();
  const refresh = useRefreshSession();
  const [step, setStep] = useState<Step>(null);
  const close = (open: boolean) => !open && setStep(null);
  const changed = () => {
    void queries.invalidateQueries({ queryKey: totpQuery.queryKey });
    void refresh();
  };
  const left = totp.recovery_codes_left;
  return (
    <div className="flex flex-col items-start gap-4 text-sm">
      <p className="text-muted">
        {totp.enabled
          ? "Signing in takes your password and a code from your authenticator app."
          : "With it, your password alone lets nobody in: signing in also takes a code from an app on your phone."}
      </p>
      {totp.enabled && left < 3 && (
        <Message
          tone="warn"
          className="w-full"
          title={left ? `${plural(left, "recovery code")} left` : "No recovery codes left"}
        >
          Without one, a lost phone locks you out. Make new ones.
        </Message>
      )}
      {totp.enabled && left >= 3 && <p>{plural(left, "recovery code")} left.</p>}
      <div className="flex flex-wrap gap-2">
        {totp.enabled ? (
          <>
            <Button onClick={() => setStep("renew")}>New recovery codes</Button>
            <Button variant="dangerGhost" onClick={() => setStep("disable")}>
              Turn off
            </Button>
          </>
        ) : (
          <Button variant="primary" onClick={() => setStep("set-up")}>
            Set up
          </Button>
        )}
      </div>
      <TotpSetUp open={step === "set-up"} onOpenChange={close} onChanged={changed} />
      <TotpChange kind="disable" open={step === "disable"} onOpenChange={close} onChanged={changed} />
      <TotpChange kind="renew" open={step === "renew"} onOpenChange={close} onChanged={changed} />
    </div>
  );
}
