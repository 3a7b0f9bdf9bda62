import { formatExact } from "@/lib/format";

const WORDS: Record<string, string> = {
  "account.email_change_asked": "New address asked for",
  "account.email_changed": "Address changed",
  "account.email_verified": "Address confirmed",
  "account.password_changed": "Password changed",
  "account.password_reset": "Password reset by email",
  "account.registered": "Account created",
  "account.token_created": "API token made by signing in",
  "session.created": "Signed in",
  "session.ended": "Signed out",
  "session.revoked": "Session ended from another place",
  "totp.disabled": "Two-step sign-in turned off",
  "totp.enabled": "Two-step sign-in turned on",
  "totp.recovery_code_used": "Recovery code used",
  "totp.recovery_codes_renewed": "Recovery codes renewed",
};

/** `member.role_changed` → "Member role changed". */
export function actionWords(action: string): string {
  const plain = WORDS[action] ?? action.replace(/[._]/g, " ");
  return plain.slice(0, 1).toUpperCase() + plain.slice(1);
}

const INSTANT = /^\d{4}-\d\d-\d\dT[\d:.]+(Z|[+-]\d\d:\d\d)$/;

type Values = Record<string, unknown> | null;

function valueText(value: unknown): string {
  if (value === null || value === undefined) return "nothing";
  if (Array.isArray(value)) return value.map(valueText).join(", ") || "nothing";
  if (typeof value === "object") {
    const pairs = Object.entries(value).map(([key, each]) => `${key}=${valueText(each)}`);
    return pairs.join(", ") || "nothing";
  }
  const text = String(value);
  return INSTANT.test(text) ? formatExact(text) : text;
}

/** What an entry of a log says has changed: "role: editor → admin". */
export function Changes({ before, after }: { before: Values; after: Values }) {
  const names = [...new Set([...Object.keys(before ?? {}), ...Object.keys(after ?? {})])];
  if (names.length === 0) return null;
  return (
    <ul className="text-subtle text-xs">
      {names.map((name) => (
        <li key={name} className="break-words">
          {name.replaceAll("_", " ")}:{" "}
          {before && name in before && (
            <>
              <del className="decoration-subtle/60">{valueText(before[name])}</del>
              <span className="sr-only"> became</span>
              <span aria-hidden> → </span>
            </>
          )}
          <span className="text-muted">{after && name in after ? valueText(after[name]) : "nothing"}</span>
        </li>
      ))}
    </ul>
  );
}
