import { useQuery } from "@tanstack/react-query";
import { signersQuery } from "@/client/queries";
import { QueryError } from "@/components/domain/query-error";
import { Card, CardBody, CardHeader } from "@/components/ui/card";
import { CodeBlock } from "@/components/ui/code";
import { CopyButton } from "@/components/ui/copy";
import { Skeleton } from "@/components/ui/skeleton";

const verify = (signers: string) => `cat > .git/crontopus-signers <<'END'
${signers.trimEnd()}
END
git config gpg.ssh.allowedSignersFile .git/crontopus-signers
git verify-commit HEAD`;

/** Who signs what Crontopus commits, and how to see that it did. */
export function SignersCard() {
  const query = useQuery(signersQuery);
  return (
    <Card>
      <CardHeader title="Signatures" />
      <CardBody className="flex flex-col gap-3">
        {query.isPending && <Skeleton className="h-24" />}
        {query.isError && (
          <QueryError error={query.error} retry={() => void query.refetch()} busy={query.isFetching} />
        )}
        {query.data && (
          <>
            <p className="text-muted text-sm">Commits that Crontopus makes are signed with this key.</p>
            <div className="flex items-center gap-1">
              <code className="min-w-0 flex-1 break-all font-mono text-xs">
                {query.data.current.fingerprint}
              </code>
              <CopyButton text={query.data.current.public_key} what="public key" />
            </div>
            <CodeBlock
              title="Verify a commit"
              code={verify(query.data.allowed_signers)}
              what="commands that verify a commit"
            />
          </>
        )}
      </CardBody>
    </Card>
  );
}
