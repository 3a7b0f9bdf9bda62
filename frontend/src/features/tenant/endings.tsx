import { type ReactNode, useState } from "react";
import { Button } from "@/components/ui/button";
import { Card, CardHeader } from "@/components/ui/card";
import { useMay, useSession } from "@/lib/session";
import { DeleteTenant } from "./delete-tenant";
import { LeaveTenant } from "./leave-tenant";
import { TransferTenant } from "./transfer-tenant";

type Ending = "transfer" | "leave" | "delete" | null;

/** What cannot be taken back easily. */
export function Endings() {
  const { tenant } = useSession();
  const owner = useMay("tenant:owner");
  const [asked, setAsked] = useState<Ending>(null);
  const close = (open: boolean) => !open && setAsked(null);
  return (
    <Card aria-label="Danger zone" className="border-bad-solid/35">
      <CardHeader title="Danger zone" />
      <div className="divide-y divide-line">
        {owner && (
          <Row title="Hand it over" action={<Button onClick={() => setAsked("transfer")}>Transfer</Button>}>
            Another member becomes its owner, and you an admin.
          </Row>
        )}
        <Row title="Leave" action={<Button onClick={() => setAsked("leave")}>Leave</Button>}>
          Your sessions and API tokens of this tenant stop working at once.
        </Row>
        {owner && !tenant.delete_at && (
          <Row
            title="Delete"
            action={
              <Button variant="danger" onClick={() => setAsked("delete")}>
                Delete tenant
              </Button>
            }
          >
            Jobs, runs, endpoints and the repository. It works on for some days and can be restored until
            then.
          </Row>
        )}
      </div>
      <TransferTenant open={asked === "transfer"} onOpenChange={close} />
      <LeaveTenant open={asked === "leave"} onOpenChange={close} />
      <DeleteTenant open={asked === "delete"} onOpenChange={close} />
    </Card>
  );
}

type RowProps = { title: string; action: ReactNode; children: ReactNode };

const Row = ({ title, action, children }: RowProps) => (
  <div className="flex flex-wrap items-center justify-between gap-3 px-4 py-3 text-sm">
    <div className="max-w-md">
      <p className="font-medium">{title}</p>
      <p className="text-muted">{children}</p>
    </div>
    {action}
  </div>
);
