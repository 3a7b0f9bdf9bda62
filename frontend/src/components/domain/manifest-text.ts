import { parseDocument } from "yaml";
import type { ManifestError } from "@/client/types";

export type Reading = { namespace: string; name: string; errors: ManifestError[] };

/**
 * What the text says the job is called, and what is wrong with it as YAML. Whether it is a good manifest is
 * for the server to say.
 */
export function readManifest(text: string): Reading {
  const document = parseDocument(text, { version: "1.2", uniqueKeys: true, prettyErrors: true });
  const errors = document.errors.map((error): ManifestError => {
    const place = error.linePos?.[0];
    return {
      ...(place ? { line: place.line, column: place.col } : {}),
      code: "invalid_yaml",
      message: error.message.split(/ at line \d/)[0] ?? error.message,
    };
  });
  const word = (path: string[]) => {
    const value: unknown = errors.length === 0 ? document.getIn(path) : undefined;
    return typeof value === "string" || typeof value === "number" ? String(value) : "";
  };
  return {
    namespace: word(["metadata", "namespace"]) || "default",
    name: word(["metadata", "name"]),
    errors,
  };
}
