import type { Invitation } from "@/client/types";
import { Button } from "@/components/ui/button";
import { Dialog } from "@/components/ui/dialog";
import { Message } from "@/components/ui/message";
import { Secret } from "@/components/ui/secret";

/** Where no mail server is configured the link is handed over by hand. */
export function LinkToHandOver({ invitation, onDone }: { invitation: Invitation; onDone: () => void }) {
  return (
    <div className="flex flex-col gap-4">
      <Message tone="warn" title="No email was sent">
        This Crontopus has no mail server. Give the link to {invitation.email} yourself; whoever opens it can
        join.
      </Message>
      <Secret label="Link" value={invitation.link ?? ""} />
      <div className="flex justify-end">
        <Button variant="primary" onClick={onDone}>
          Done
        </Button>
      </div>
    </div>
  );
}

export function InvitationLink({
  invitation,
  onClose,
}: {
  invitation: Invitation | null;
  onClose: () => void;
}) {
  return (
    <Dialog open={invitation !== null} onOpenChange={(open) => !open && onClose()} title="Hand over the link">
      {invitation && <LinkToHandOver invitation={invitation} onDone={onClose} />}
    </Dialog>
  );
}
