import { Link, useNavigate } from "@tanstack/react-router";
import type { RepositoryDocument } from "@/client/types";
import { DocumentEditor } from "@/components/domain/document-editor";
import { DeleteDocument, WithDocument } from "@/components/domain/document-page";
import { crumbClass, PageHeader } from "@/components/ui/page";
import { toast } from "@/components/ui/toast";

const NEW_WINDOW = `apiVersion: crontopus/v1
kind: MaintenanceWindow
metadata:
  name: weekly-patching
spec:
  reason: Patching
  # Once: give start and end instead, such as 2027-01-16T22:00:00Z.
  schedule: "0 22 * * sat"
  timezone: UTC
  duration: 4h
  # Without a match it is about all jobs.
  match:
    namespaces: [default]
`;

const crumbs = (
  <Link to="/maintenance" className={crumbClass}>
    Maintenance
  </Link>
);

function Editor({ document }: { document?: RepositoryDocument }) {
  const navigate = useNavigate();
  return (
    <DocumentEditor
      collection="maintenance-windows"
      original={document?.yaml ?? NEW_WINDOW}
      {...(document && { document })}
      onSaved={async ({ name }) => {
        await navigate({ to: "/maintenance", ignoreBlocker: true });
        toast.ok(`${name} is ${document ? "saved" : "planned"}`);
      }}
      onCancel={() => void navigate({ to: "/maintenance" })}
    />
  );
}

export function NewWindowPage() {
  return (
    <>
      <PageHeader crumbs={crumbs} title="Plan a maintenance window">
        For once, or one that comes again by a schedule.
      </PageHeader>
      <Editor />
    </>
  );
}

export function EditWindowPage({ name }: { name: string }) {
  const navigate = useNavigate();
  return (
    <WithDocument collection="maintenance-windows" name={name}>
      {(document) => (
        <>
          <PageHeader
            crumbs={crumbs}
            title={name}
            actions={
              <DeleteDocument
                collection="maintenance-windows"
                name={name}
                onGone={() => navigate({ to: "/maintenance", ignoreBlocker: true })}
              >
                If it is going on, it ends at once.
              </DeleteDocument>
            }
          />
          <Editor key={document.etag} document={document} />
        </>
      )}
    </WithDocument>
  );
}
