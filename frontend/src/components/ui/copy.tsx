import { Check, Copy, X } from "lucide-react";
import { useCopy } from "@/lib/copy";
import { Button } from "./button";

const WORDS = { idle: "Copy", copied: "Copied", failed: "Copying failed" };
const ICONS = { idle: <Copy />, copied: <Check className="text-ok" />, failed: <X className="text-bad" /> };

type Props = {
  text: string /** What is copied, for screen readers: "ping URL". */;
  what: string;
  showWord?: boolean;
};

export function CopyButton({ text, what, showWord = false }: Props) {
  const [state, copy] = useCopy();
  return (
    <>
      <Button
        variant="ghost"
        size={showWord ? "sm" : "iconSm"}
        aria-label={`Copy ${what}`}
        title={WORDS[state]}
        onClick={() => copy(text)}
      >
        {ICONS[state]}
        {showWord && WORDS[state]}
      </Button>
      <span role="status" className="sr-only">
        {state === "idle" ? "" : WORDS[state]}
      </span>
    </>
  );
}
