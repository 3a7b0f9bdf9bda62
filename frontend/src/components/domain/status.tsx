import {
  AlarmClockOff,
  CircleAlert,
  CircleCheck,
  CircleDashed,
  CircleHelp,
  CirclePause,
  CircleSlash,
  CircleX,
  Clock,
  Hourglass,
  LoaderCircle,
  Lock,
  Sparkle,
  TimerOff,
  Unplug,
  Wifi,
} from "lucide-react";
import type { ReactNode } from "react";
import type { EndpointState, IncidentState, RunState, State } from "@/client/types";
import { Badge, type Tone } from "@/components/ui/badge";

type Look = { word: string; tone: Tone; icon: ReactNode; means: string };

const spin = <LoaderCircle aria-hidden className="motion-safe:animate-spin" />;

export const STATE_LOOKS: Record<State, Look> = {
  failing: { word: "Failing", tone: "bad", icon: <CircleX aria-hidden />, means: "The last run failed." },
  stuck: {
    word: "Stuck",
    tone: "bad",
    icon: <Hourglass aria-hidden />,
    means: "It started and has not finished in time.",
  },
  missed: {
    word: "Missed",
    tone: "bad",
    icon: <AlarmClockOff aria-hidden />,
    means: "A run was due and never came.",
  },
  late: {
    word: "Late",
    tone: "warn",
    icon: <Clock aria-hidden />,
    means: "A run is due; its grace time is not over yet.",
  },
  running: { word: "Running", tone: "info", icon: spin, means: "A run is going on." },
  healthy: {
    word: "Healthy",
    tone: "ok",
    icon: <CircleCheck aria-hidden />,
    means: "The last run was good and on time.",
  },
  new: { word: "New", tone: "idle", icon: <Sparkle aria-hidden />, means: "No run has been seen yet." },
  paused: {
    word: "Paused",
    tone: "idle",
    icon: <CirclePause aria-hidden />,
    means: "Paused or disabled: nothing is expected.",
  },
  none: {
    word: "No instance",
    tone: "ghost",
    icon: <CircleDashed aria-hidden />,
    means: "No endpoint matches its selector, so it runs nowhere.",
  },
};

export const RUN_LOOKS: Record<RunState, Look> = {
  running: { word: "Running", tone: "info", icon: spin, means: "Started and not finished yet." },
  success: { word: "Success", tone: "ok", icon: <CircleCheck aria-hidden />, means: "Exit code 0." },
  failure: { word: "Failed", tone: "bad", icon: <CircleX aria-hidden />, means: "It ended with an error." },
  timeout: {
    word: "Timed out",
    tone: "bad",
    icon: <TimerOff aria-hidden />,
    means: "It ran longer than its timeout.",
  },
  missed: {
    word: "Missed",
    tone: "bad",
    icon: <AlarmClockOff aria-hidden />,
    means: "It was due and never came.",
  },
  lost: {
    word: "Lost",
    tone: "warn",
    icon: <CircleHelp aria-hidden />,
    means: "It started; its end was never reported.",
  },
  skipped: {
    word: "Skipped",
    tone: "idle",
    icon: <CircleSlash aria-hidden />,
    means: "Left out on purpose, such as by overlap policy.",
  },
};

export const ENDPOINT_LOOKS: Record<EndpointState, Look> = {
  online: { word: "Online", tone: "ok", icon: <Wifi aria-hidden />, means: "The agent reports regularly." },
  offline: {
    word: "Offline",
    tone: "bad",
    icon: <Unplug aria-hidden />,
    means: "The agent has stopped reporting.",
  },
  locked: {
    word: "Locked",
    tone: "bad",
    icon: <Lock aria-hidden />,
    means: "It seems to be in use twice, as when a machine was copied.",
  },
  revoked: {
    word: "Revoked",
    tone: "idle",
    icon: <CircleSlash aria-hidden />,
    means: "Its token was revoked.",
  },
};

const INCIDENT_LOOKS: Record<IncidentState, Look> = {
  open: { word: "Open", tone: "bad", icon: <CircleAlert aria-hidden />, means: "Still wrong." },
  resolved: { word: "Resolved", tone: "ok", icon: <CircleCheck aria-hidden />, means: "Right again." },
};

function Look({ look }: { look: Look }) {
  return (
    <Badge tone={look.tone} icon={look.icon} title={look.means}>
      {look.word}
    </Badge>
  );
}

export const StateBadge = ({ state }: { state: State }) => <Look look={STATE_LOOKS[state]} />;
export const RunBadge = ({ state }: { state: RunState }) => <Look look={RUN_LOOKS[state]} />;
export const EndpointBadge = ({ state }: { state: EndpointState }) => <Look look={ENDPOINT_LOOKS[state]} />;
export const IncidentBadge = ({ state }: { state: IncidentState }) => <Look look={INCIDENT_LOOKS[state]} />;
