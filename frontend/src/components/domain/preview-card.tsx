import { useEffect, useRef } from "react";
import type { ManifestError, Plan } from "@/client/types";
import { PlanView } from "@/components/domain/plan-view";
import { Button } from "@/components/ui/button";
import { Card, CardBody, CardHeader } from "@/components/ui/card";

type Props = { plan: Plan; onGo: (error: ManifestError) => void; onClose: () => void };

/** What saving would do. Scrolls into view: it comes below the editor. */
export function PreviewCard({ plan, onGo, onClose }: Props) {
  const card = useRef<HTMLDivElement>(null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: each new plan is what one wants to see
  useEffect(() => {
    // In braces: where it returns a promise, React would take that for the effect's cleanup.
    card.current?.scrollIntoView({ block: "nearest", behavior: "smooth" });
  }, [plan]);
  return (
    <div ref={card} role="status">
      <Card aria-label="Preview">
        <CardHeader
          title="What saving would do"
          aside={
            <Button variant="ghost" size="sm" onClick={onClose}>
              Close
            </Button>
          }
        />
        <CardBody>
          <PlanView plan={plan} onGo={onGo} />
        </CardBody>
      </Card>
    </div>
  );
}
