import type { ManifestError } from "@/client/types";
import { Message } from "@/components/ui/message";
import { sentence } from "@/lib/format";

type Props = {
  title: string;
  errors: ManifestError[];
  tone?: "bad" | "warn";
  /** Goes to an error's line in the editor. */
  onGo?: ((error: ManifestError) => void) | undefined;
  /** Names the file of each: where the errors of several are listed. */
  withFile?: boolean;
  announce?: boolean;
};

const where = ({ line, column, path }: ManifestError) =>
  line ? `line ${line}${column ? `:${column}` : ""}` : (path ?? "file");

/** The policy that an error is about, if it is about one. */
export const policyOf = (error: ManifestError): string | null =>
  typeof error.policy === "string" ? error.policy : null;

function Place({ error, onGo, withFile }: { error: ManifestError } & Pick<Props, "onGo" | "withFile">) {
  const text = withFile && error.file ? `${error.file} ${where(error)}` : where(error);
  if (!onGo || !error.line) {
    return (
      <span className="tabular min-w-0 shrink-0 break-words font-mono text-text text-xs leading-5">
        {text}
      </span>
    );
  }
  return (
    <button
      type="button"
      onClick={() => onGo(error)}
      className="tabular h-fit shrink-0 rounded-sm font-mono text-text text-xs leading-5 underline underline-offset-2"
    >
      {text}
    </button>
  );
}

/** Every error with its place; a press goes there. A broken policy is named. */
export function ManifestErrors({
  title,
  errors,
  tone = "bad",
  onGo,
  withFile = false,
  announce = false,
}: Props) {
  return (
    <Message tone={tone} title={title} announce={announce}>
      <ul className="mt-1 flex flex-col gap-1.5">
        {errors.map((error) => (
          <li
            key={`${error.file} ${where(error)} ${error.code} ${error.message}`}
            className="flex flex-wrap gap-x-2 sm:flex-nowrap"
          >
            <Place error={error} onGo={onGo} withFile={withFile} />
            <span className="min-w-0 break-words">
              {policyOf(error) && <span className="font-medium text-text">Policy {policyOf(error)}: </span>}
              {sentence(error.message)}
              {error.hint && <span className="text-text"> {sentence(error.hint)}</span>}
            </span>
          </li>
        ))}
      </ul>
    </Message>
  );
}
