import type { Mode } from "@/client/types";

const PING = `apiVersion: crontopus/v1
kind: Job
metadata:
  name: nightly-report
  namespace: default
spec:
  # When a run is expected. No command: any scheduler runs it and pings.
  schedule: "0 2 * * *"
  timezone: UTC
  grace: 10m
`;

const AGENT = `apiVersion: crontopus/v1
kind: Job
metadata:
  name: hello
  namespace: default
spec:
  schedule: "*/5 * * * *"
  timezone: UTC
  command: /bin/echo
  args: ["hello from Crontopus"]
  # On which endpoints: by label. Without a selector a job runs nowhere.
  selector: {matchLabels: {role: demo}}
  timeout: 1m
`;

export const TEMPLATES: Record<Mode, string> = { ping: PING, agent: AGENT };
export const TEMPLATE_PATHS: Record<Mode, string> = {
  ping: "default/nightly-report.yaml",
  agent: "default/hello.yaml",
};
export const FIRST_LABELS = "role=demo";
