import { createFileRoute } from "@tanstack/react-router";
import { AccountPage } from "@/features/account/account-page";
import { accountSearch } from "@/features/account/search";

export const Route = createFileRoute("/_app/account")({
  validateSearch: accountSearch,
  component: () => <AccountPage search={Route.useSearch()} />,
});
