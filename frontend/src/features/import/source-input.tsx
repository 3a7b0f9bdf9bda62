import { FileText, Upload, X } from "lucide-react";
import { type DragEvent, useRef, useState } from "react";
import type { ImportKind } from "@/client/types";
import { Button } from "@/components/ui/button";
import { Field, TextArea } from "@/components/ui/field";
import { cn } from "@/lib/cn";
import { formatBytes } from "@/lib/format";
import { guessKind, MOST_BYTES, readSource, type Source } from "./source";

const EXAMPLE = `# What \`crontab -l\` prints
PATH=/usr/local/bin:/usr/bin
0 2 * * * /opt/backup.sh --full
*/15 * * * * /opt/sync.sh`;

type Props = {
  source: Source;
  error: string | undefined;
  onChange: (source: Source, kind: ImportKind | null) => void;
};

function ChosenFile({ file, size, onRemove }: { file: string; size: number; onRemove: () => void }) {
  return (
    <div className="flex items-center gap-3 rounded-md border border-line bg-sunken px-3 py-2.5 text-sm">
      <FileText aria-hidden className="size-4 shrink-0 text-subtle" />
      <span className="min-w-0 flex-1 truncate font-medium">{file}</span>
      <span className="text-subtle text-xs">{formatBytes(size)}</span>
      <Button variant="ghost" size="iconSm" aria-label={`Remove ${file}`} onClick={onRemove}>
        <X aria-hidden />
      </Button>
    </div>
  );
}

function useFile(onChange: Props["onChange"]) {
  const [wrong, setWrong] = useState<string>();
  const take = async (file: File | undefined) => {
    if (!file) return;
    if (file.size > MOST_BYTES) {
      setWrong(`${file.name} has ${formatBytes(file.size)}; ${formatBytes(MOST_BYTES)} at most.`);
      return;
    }
    try {
      const { source, start } = await readSource(file);
      setWrong(undefined);
      onChange(source, guessKind(file.name, start));
    } catch (error) {
      setWrong(`${file.name} could not be read: ${error instanceof Error ? error.message : String(error)}`);
    }
  };
  return { wrong, take };
}

/** Paste it, drop it, or choose a file. */
export function SourceInput({ source, error, onChange }: Props) {
  const picker = useRef<HTMLInputElement>(null);
  const [over, setOver] = useState(false);
  const { wrong, take } = useFile(onChange);
  const drag = (entering: boolean) => (event: DragEvent) => {
    event.preventDefault();
    setOver(entering);
  };
  const drop = (event: DragEvent) => {
    drag(false)(event);
    void take(event.dataTransfer.files[0]);
  };
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: dropping is an extra; the button does the same
    <div
      onDragOver={drag(true)}
      onDragLeave={drag(false)}
      onDrop={drop}
      className={cn("rounded-md", over && "outline-2 outline-accent-text outline-dashed outline-offset-4")}
    >
      <Field label="What the machine has" error={wrong ?? error}>
        {"text" in source ? (
          <TextArea
            className="min-h-48 lg:min-h-88"
            spellCheck={false}
            autoComplete="off"
            wrap="off"
            placeholder={EXAMPLE}
            value={source.text}
            onChange={({ target: { value } }) =>
              onChange({ text: value }, guessKind("", value.slice(0, 400)))
            }
          />
        ) : (
          <ChosenFile file={source.file} size={source.size} onRemove={() => onChange({ text: "" }, null)} />
        )}
      </Field>
      <p className="mt-2 flex flex-wrap items-center gap-x-2 gap-y-1 text-muted text-sm">
        <Button size="sm" onClick={() => picker.current?.click()}>
          <Upload aria-hidden /> Choose a file
        </Button>
        or drop one here. Nothing is saved until you add the jobs.
      </p>
      <input
        ref={picker}
        type="file"
        aria-label="File to import"
        tabIndex={-1}
        className="sr-only"
        onChange={({ target }) => {
          void take(target.files?.[0]);
          // So that the same file can be chosen again.
          target.value = "";
        }}
      />
    </div>
  );
}
