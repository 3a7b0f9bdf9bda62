import { cn } from "@/lib/cn";
import { CopyButton } from "./copy";

type Props = {
  code: string;
  what: string;
  /** A word over the block: a file name, "when it fails". */
  title?: string;
  wrap?: boolean;
  className?: string;
};

/** Something to run or to paste: monospaced, scrolls inside itself, one press to copy. */
export function CodeBlock({ code, what, title, wrap = false, className }: Props) {
  return (
    <div className={cn("min-w-0 overflow-hidden rounded-md border border-line bg-sunken", className)}>
      {title && (
        <div className="flex items-center justify-between border-line border-b py-0.5 pr-1 pl-3 text-muted text-xs">
          <span className="truncate">{title}</span>
          <CopyButton text={code} what={what} />
        </div>
      )}
      <div className="flex items-start">
        <div
          // A group: a section would be a landmark, and a page can have many of these.
          role="group"
          aria-label={what}
          // biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls must be reachable by keyboard
          tabIndex={0}
          className="min-w-0 flex-1 overflow-x-auto -outline-offset-2"
        >
          <pre
            className={cn(
              "w-fit px-3 py-2 font-mono text-xs leading-5",
              wrap && "w-auto whitespace-pre-wrap break-all",
            )}
          >
            {code}
          </pre>
        </div>
        {!title && (
          <div className="p-1">
            <CopyButton text={code} what={what} />
          </div>
        )}
      </div>
    </div>
  );
}
