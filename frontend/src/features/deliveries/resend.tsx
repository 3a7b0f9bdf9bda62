import { useMutation, useQueryClient } from "@tanstack/react-query";
import { RotateCw } from "lucide-react";
import { alerting } from "@/client/alerting";
import type { Delivery } from "@/client/types";
import { explain } from "@/components/domain/query-error";
import { Button } from "@/components/ui/button";
import { toast } from "@/components/ui/toast";
import { useMay } from "@/lib/session";

/** Gives a delivery that was given up another day. */
export function Resend({ delivery, small }: { delivery: Delivery; small?: true }) {
  const queries = useQueryClient();
  const resend = useMutation({
    mutationFn: () => alerting.resend(delivery.id),
    onSuccess: async () => {
      await queries.invalidateQueries({ queryKey: ["incidents", "deliveries"] });
      toast.ok("It is sent again", "It is tried for another day.");
    },
    onError: (error) => toast.bad("Could not send it again", explain(error).detail || explain(error).title),
  });
  if (!useMay("alerts:manage") || delivery.state !== "failed") return null;
  return (
    <Button size={small ? "sm" : "md"} busy={resend.isPending} onClick={() => resend.mutate()}>
      <RotateCw aria-hidden /> Send again
    </Button>
  );
}
