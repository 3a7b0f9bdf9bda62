import { createFileRoute } from "@tanstack/react-router";
import { AlertsAreToLookAt, May } from "@/components/domain/may";
import { NewChannelPage } from "@/features/channels/new-channel-page";
import { newChannelSearch } from "@/features/channels/search";

export const Route = createFileRoute("/_app/channels/new")({
  validateSearch: newChannelSearch,
  component: () => (
    <May scope="alerts:manage" otherwise={<AlertsAreToLookAt />}>
      <NewChannelPage kind={Route.useSearch().kind} />
    </May>
  ),
});
