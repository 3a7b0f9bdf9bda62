import { Link } from "@tanstack/react-router";

/** For those who only ever came by single sign-on. */
export function NoPassword({ what }: { what: string }) {
  return (
    <p className="text-muted text-sm">
      Your account has no password: you sign in with your organisation's account. To change {what},{" "}
      <Link to="/forgot-password" className="font-medium text-accent-text underline-offset-2 hover:underline">
        set a password
      </Link>{" "}
      first.
    </p>
  );
}
