import { PageHeader } from "@/components/ui/page";
import { TabLinks } from "@/components/ui/tabs";
import { useSession } from "@/lib/session";
import { Activity } from "./activity";
import { PasswordCard } from "./password-card";
import { Profile } from "./profile";
import type { AccountSearch } from "./search";
import { SignIns } from "./sign-ins";
import { TwoStep } from "./two-step";

const TABS = [
  { tab: undefined, label: "Profile" },
  { tab: "security", label: "Security" },
  { tab: "sessions", label: "Sessions" },
  { tab: "activity", label: "Activity" },
] as const;

export function AccountPage({ search: { tab } }: { search: AccountSearch }) {
  const { user } = useSession();
  return (
    <>
      <PageHeader title="Your account">
        {user.username}, in all your tenants. API tokens never reach what is here.
      </PageHeader>
      <TabLinks
        label="Account"
        tabs={TABS.map((each) => ({
          label: each.label,
          active: each.tab === tab,
          link: { to: "/account", search: each.tab ? { tab: each.tab } : {} },
        }))}
      />
      {tab === undefined && <Profile />}
      {tab === "security" && (
        <div className="grid items-start gap-5 lg:grid-cols-2">
          <PasswordCard />
          <TwoStep />
        </div>
      )}
      {tab === "sessions" && <SignIns />}
      {tab === "activity" && <Activity />}
    </>
  );
}
