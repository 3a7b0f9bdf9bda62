import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import {
  Activity,
  BellRing,
  ChartNoAxesColumn,
  FolderGit2,
  KeyRound,
  ListChecks,
  MailCheck,
  Server,
  Settings,
  Siren,
  Split,
  Wrench,
} from "lucide-react";
import type { ReactNode } from "react";
import { openIncidentsQuery } from "@/client/queries";

const linkClass =
  "flex h-9 items-center gap-2.5 rounded-md px-2.5 text-sm text-muted transition-colors hover:bg-hover hover:text-text data-[status=active]:bg-line/75 data-[status=active]:font-medium data-[status=active]:text-text md:h-8 [&_svg]:size-4";

type ItemProps = { to: string; icon: ReactNode; onNavigate: () => void; children: ReactNode };

function Item({ to, icon, onNavigate, children }: ItemProps) {
  return (
    <li>
      <Link to={to} className={linkClass} onClick={onNavigate}>
        {icon}
        {children}
      </Link>
    </li>
  );
}

function OpenIncidents() {
  const { data: count } = useQuery(openIncidentsQuery);
  if (!count) return null;
  const shown = count > 9 ? "9+" : count;
  return (
    <span className="tabular ml-auto rounded-full bg-bad-soft px-1.5 font-medium text-2xs text-bad leading-4.5">
      {shown}
      <span className="sr-only"> open</span>
    </span>
  );
}

export function Nav({ onNavigate = () => {} }: { onNavigate?: () => void }) {
  return (
    <nav aria-label="Main" className="flex flex-col gap-5">
      <ul className="flex flex-col gap-0.5">
        <Item to="/jobs" icon={<ListChecks aria-hidden />} onNavigate={onNavigate}>
          Jobs
        </Item>
        <Item to="/runs" icon={<Activity aria-hidden />} onNavigate={onNavigate}>
          Runs
        </Item>
        <Item to="/reports" icon={<ChartNoAxesColumn aria-hidden />} onNavigate={onNavigate}>
          Reports
        </Item>
        <Item to="/incidents" icon={<Siren aria-hidden />} onNavigate={onNavigate}>
          Incidents
          <OpenIncidents />
        </Item>
        <Item to="/endpoints" icon={<Server aria-hidden />} onNavigate={onNavigate}>
          Endpoints
        </Item>
        <Item to="/repository" icon={<FolderGit2 aria-hidden />} onNavigate={onNavigate}>
          Repository
        </Item>
      </ul>
      <div>
        <p className="px-2.5 pb-1 font-medium text-2xs text-subtle">Alerts</p>
        <ul className="flex flex-col gap-0.5">
          <Item to="/channels" icon={<BellRing aria-hidden />} onNavigate={onNavigate}>
            Channels
          </Item>
          <Item to="/routes" icon={<Split aria-hidden />} onNavigate={onNavigate}>
            Routes
          </Item>
          <Item to="/maintenance" icon={<Wrench aria-hidden />} onNavigate={onNavigate}>
            Maintenance
          </Item>
          <Item to="/deliveries" icon={<MailCheck aria-hidden />} onNavigate={onNavigate}>
            Deliveries
          </Item>
        </ul>
      </div>
      <div>
        <p className="px-2.5 pb-1 font-medium text-2xs text-subtle">Settings</p>
        <ul>
          <Item to="/tokens" icon={<KeyRound aria-hidden />} onNavigate={onNavigate}>
            API tokens
          </Item>
          <Item to="/settings" icon={<Settings aria-hidden />} onNavigate={onNavigate}>
            Tenant
          </Item>
        </ul>
      </div>
    </nav>
  );
}
