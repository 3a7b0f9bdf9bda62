import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api } from "@/client/api";
import type { Token, TokenCreated } from "@/client/types";
import { ActionError } from "@/components/domain/query-error";
import { Button } from "@/components/ui/button";
import { Dialog } from "@/components/ui/dialog";
import { Message } from "@/components/ui/message";
import { Secret } from "@/components/ui/secret";
import { Select } from "@/components/ui/select";

const OVERLAPS = [
  { value: "0", label: "At once" },
  { value: "3600", label: "In an hour" },
  { value: "86400", label: "In a day" },
  { value: "604800", label: "In a week" },
] as const;

type Props = { token: Token | null; onClose: () => void };

/** Another secret for the same token; the old one may work on while it is replaced everywhere. */
export function RotateToken({ token, onClose }: Props) {
  const [created, setCreated] = useState<TokenCreated | null>(null);
  if (!token && created) setCreated(null);
  return (
    <Dialog
      open={token !== null}
      onOpenChange={(open) => !open && onClose()}
      dismissible={!created}
      title={created ? `New secret of “${created.token.name}”` : `Rotate “${token?.name ?? ""}”`}
      description={created ? undefined : "Same name and scopes, another secret."}
    >
      {created ? (
        <div className="flex flex-col gap-4">
          <Message tone="warn" title="Copy it now">
            It is stored as a hash and cannot be shown again.
          </Message>
          <Secret label="Token" value={created.secret} />
          <div className="flex justify-end">
            <Button variant="primary" onClick={onClose}>
              Done
            </Button>
          </div>
        </div>
      ) : (
        token && <RotateForm token={token} onCreated={setCreated} />
      )}
    </Dialog>
  );
}

function RotateForm({ token, onCreated }: { token: Token; onCreated: (created: TokenCreated) => void }) {
  const queries = useQueryClient();
  const [overlap, setOverlap] = useState<(typeof OVERLAPS)[number]["value"]>("86400");
  const rotate = useMutation({
    mutationFn: () => api.rotateToken(token.id, Number(overlap)),
    onSuccess: (created) => {
      onCreated(created);
      void queries.invalidateQueries({ queryKey: ["tokens"] });
    },
  });
  return (
    <div className="flex flex-col gap-4">
      <ActionError error={rotate.error} />
      <div className="flex flex-col gap-1.5">
        <span className="font-medium text-sm">The old secret stops working</span>
        <Select
          label="The old secret stops working"
          value={overlap}
          options={OVERLAPS}
          onChange={setOverlap}
        />
        <p className="text-subtle text-xs">Time to put the new one wherever the old one is used.</p>
      </div>
      <div className="flex justify-end">
        <Button variant="primary" busy={rotate.isPending} onClick={() => rotate.mutate()}>
          Rotate
        </Button>
      </div>
    </div>
  );
}
