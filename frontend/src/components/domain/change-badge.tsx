import { ArrowRight, Minus, PencilLine, Plus } from "lucide-react";
import type { ReactNode } from "react";
import type { JobChange, VersionAction } from "@/client/types";
import { Badge, type Tone } from "@/components/ui/badge";

type Action = JobChange["action"] | VersionAction;

const LOOKS: Record<Action, { word: string; tone: Tone; icon: ReactNode }> = {
  added: { word: "Added", tone: "ok", icon: <Plus aria-hidden /> },
  created: { word: "Created", tone: "ok", icon: <Plus aria-hidden /> },
  changed: { word: "Changed", tone: "info", icon: <PencilLine aria-hidden /> },
  moved: { word: "Moved", tone: "idle", icon: <ArrowRight aria-hidden /> },
  renamed: { word: "Renamed", tone: "idle", icon: <ArrowRight aria-hidden /> },
  removed: { word: "Removed", tone: "bad", icon: <Minus aria-hidden /> },
  deleted: { word: "Deleted", tone: "bad", icon: <Minus aria-hidden /> },
};

export function ChangeBadge({ action, count }: { action: Action; count?: number }) {
  const { word, tone, icon } = LOOKS[action];
  return (
    <Badge tone={tone} icon={icon}>
      {count === undefined ? word : `${count.toLocaleString("en-GB")} ${word.toLowerCase()}`}
    </Badge>
  );
}
