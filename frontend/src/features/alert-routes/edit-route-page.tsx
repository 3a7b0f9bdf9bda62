import { Link, useNavigate } from "@tanstack/react-router";
import type { RepositoryDocument } from "@/client/types";
import { DocumentEditor } from "@/components/domain/document-editor";
import { DeleteDocument, WithDocument } from "@/components/domain/document-page";
import { crumbClass, PageHeader } from "@/components/ui/page";
import { toast } from "@/components/ui/toast";
import { RouteForm } from "./route-form";
import { NEW_ROUTE } from "./spec";

const crumbs = (
  <Link to="/routes" className={crumbClass}>
    Routes
  </Link>
);

function Editor({ document }: { document?: RepositoryDocument }) {
  const navigate = useNavigate();
  const back = () => navigate({ to: "/routes", ignoreBlocker: true });
  return (
    <DocumentEditor
      collection="routes"
      original={document?.yaml ?? NEW_ROUTE}
      {...(document && { document })}
      form={(text, setText, errors) => (
        <RouteForm text={text} setText={setText} errors={errors} isNew={!document} />
      )}
      onSaved={async ({ name }) => {
        await back();
        toast.ok(`Route ${name} is ${document ? "saved" : "in force"}`);
      }}
      onCancel={() => void navigate({ to: "/routes" })}
    />
  );
}

export function NewRoutePage() {
  return (
    <>
      <PageHeader crumbs={crumbs} title="New route">
        In force as soon as it is committed. Try it out with “Who would be told?”.
      </PageHeader>
      <Editor />
    </>
  );
}

export function EditRoutePage({ name }: { name: string }) {
  const navigate = useNavigate();
  return (
    <WithDocument collection="routes" name={name}>
      {(document) => (
        <>
          <PageHeader
            crumbs={crumbs}
            title={name}
            actions={
              <DeleteDocument
                collection="routes"
                name={name}
                onGone={() => navigate({ to: "/routes", ignoreBlocker: true })}
              >
                What only this route takes is told to the default channels from then on.
              </DeleteDocument>
            }
          />
          <Editor key={document.etag} document={document} />
        </>
      )}
    </WithDocument>
  );
}
