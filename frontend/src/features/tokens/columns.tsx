import type { Token } from "@/client/types";
import { Badge, Tag } from "@/components/ui/badge";
import { Button } from "@/components/ui/button";
import type { Column } from "@/components/ui/data-list";
import { Time } from "@/components/ui/time";
import { now } from "@/lib/clock";

const expired = ({ expires_at }: Token) => expires_at !== null && Date.parse(expires_at) < now();

function Expires({ token }: { token: Token }) {
  if (!token.expires_at) return <span className="text-subtle">never</span>;
  if (expired(token)) {
    return (
      <Badge tone="warn">
        expired <Time at={token.expires_at} />
      </Badge>
    );
  }
  return <Time at={token.expires_at} />;
}

type Props = {
  /** The username of who looks: only one's own can be rotated. */
  own: string;
  rotate: (token: Token) => void;
  revoke: (token: Token) => void;
};

export const tokenColumns = ({ own, rotate, revoke }: Props): Column<Token>[] => [
  {
    id: "name",
    header: "Name",
    className: "max-md:order-1 max-md:basis-full",
    cell: (token) => (
      <>
        <p className="truncate font-medium">
          {token.name}
          {token.owner && token.owner.username !== own && (
            <span className="font-normal text-muted"> of {token.owner.username}</span>
          )}
        </p>
        <code className="block truncate font-mono text-subtle text-xs">{token.hint}</code>
      </>
    ),
  },
  {
    id: "scopes",
    header: "Scopes",
    className: "max-md:order-2 max-md:basis-full",
    cell: (token) => (
      <span className="flex flex-wrap gap-1">
        {token.scopes.map((scope) => (
          <Tag key={scope} className="font-mono text-2xs">
            {scope}
          </Tag>
        ))}
      </span>
    ),
  },
  {
    id: "used",
    header: "Last used",
    className: "text-muted max-md:order-4 max-md:text-xs",
    cell: (token) => (
      <>
        <span className="md:hidden">used </span>
        <Time at={token.last_used_at} none="never" />
      </>
    ),
  },
  {
    id: "expires",
    header: "Expires",
    className: "text-muted max-md:order-5 max-md:text-xs",
    cell: (token) => (
      <>
        <span className="md:hidden">expires </span>
        <Expires token={token} />
      </>
    ),
  },
  {
    id: "acts",
    header: "Actions",
    className: "flex gap-1 max-md:order-6 max-md:ml-auto md:justify-end",
    cell: (token) => (
      <>
        {(!token.owner || token.owner.username === own) && !expired(token) && (
          <Button variant="ghost" size="sm" aria-label={`Rotate ${token.name}`} onClick={() => rotate(token)}>
            Rotate
          </Button>
        )}
        <Button
          variant="dangerGhost"
          size="sm"
          aria-label={`Revoke ${token.name}`}
          onClick={() => revoke(token)}
        >
          Revoke
        </Button>
      </>
    ),
  },
];
