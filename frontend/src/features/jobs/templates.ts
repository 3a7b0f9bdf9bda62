import type { Mode } from "@/client/types";

const PING = `apiVersion: crontopus/v1
kind: Job
metadata:
  name: nightly-report
  namespace: default
spec:
  # No command: any scheduler may run it and ping.
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
  # The endpoints it runs on, by label.
  selector: {matchLabels: {role: demo}}
  timeout: 1m
`;

export const TEMPLATES: Record<Mode, string> = { ping: PING, agent: AGENT };
export const TEMPLATE_PATHS: Record<Mode, string> = {
  ping: "default/nightly-report.yaml",
  agent: "default/hello.yaml",
};
export const FIRST_LABELS = "role=demo";
