import type { ManifestError } from "@/client/types";
import { Message } from "@/components/ui/message";

type Props = {
  title: string;
  errors: ManifestError[];
  onGo?: (error: ManifestError) => void;
  announce?: boolean;
};

const where = ({ line, column, path }: ManifestError) =>
  line ? `line ${line}${column ? `:${column}` : ""}` : (path ?? "file");

/** Every error with its place; a press goes there. */
export function ManifestErrors({ title, errors, onGo, announce = false }: Props) {
  return (
    <Message tone="bad" title={title} announce={announce}>
      <ul className="mt-1 flex flex-col gap-1">
        {errors.map((error) => (
          <li key={`${where(error)} ${error.code} ${error.message}`} className="flex gap-2">
            {onGo && error.line ? (
              <button
                type="button"
                onClick={() => onGo(error)}
                className="tabular h-fit shrink-0 rounded-sm font-mono text-text text-xs leading-5 underline underline-offset-2"
              >
                {where(error)}
              </button>
            ) : (
              <span className="tabular shrink-0 font-mono text-text text-xs leading-5">{where(error)}</span>
            )}
            <span className="min-w-0 break-words">
              {error.message}
              {error.hint && <span className="text-text"> {error.hint}</span>}
            </span>
          </li>
        ))}
      </ul>
    </Message>
  );
}
