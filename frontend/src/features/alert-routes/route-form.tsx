import { useInfiniteQuery } from "@tanstack/react-query";
import { channelsQuery } from "@/client/alerting";
import {
  INCIDENT_KINDS,
  type IncidentKind,
  type ManifestError,
  SEVERITIES,
  type Severity,
} from "@/client/types";
import { kindWord, severityWord } from "@/components/domain/incident-words";
import { Card, CardBody, CardHeader } from "@/components/ui/card";
import { Checkbox } from "@/components/ui/checkbox";
import { Field, Input } from "@/components/ui/field";
import { sentence } from "@/lib/format";
import { parseLabels } from "@/lib/labels";
import { durationProblem } from "./checks";
import { Checked, Choices, Listed } from "./controls";
import { EscalationFields } from "./escalation-fields";
import { QuietFields } from "./quiet-fields";
import { type RouteFields, readRoute, withValue } from "./spec";

type Props = { text: string; setText: (text: string) => void; errors: ManifestError[]; isNew: boolean };

const names = (text: string) => text.split(/[\s,]+/).filter(Boolean);

/** Channels to choose from, in the spelling of the list they are for: upper and lower case are alike. */
function useKnownChannels() {
  const pages = useInfiniteQuery(channelsQuery).data?.pages ?? [];
  const all = pages.flatMap((page) => page.items).map(({ name }) => name);
  return (chosen: readonly string[]) =>
    all.map((name) => chosen.find((one) => one.toLowerCase() === name.toLowerCase()) ?? name);
}

type Set = (path: string[], value: unknown) => void;

function AboutFields({ route, set }: { route: RouteFields; set: Set }) {
  return (
    <>
      <Listed
        label="Namespaces"
        hint="Of the jobs it is about. None: all."
        value={route.namespaces.join(", ")}
        onChange={(written) => {
          set(["spec", "match", "namespaces"], names(written));
          return undefined;
        }}
      />
      <Listed
        label="Labels"
        hint="key=value, all of which the job has."
        value={Object.entries(route.labels)
          .map((pair) => pair.join("="))
          .join(", ")}
        onChange={(written) => {
          const parsed = parseLabels(written);
          if ("wrong" in parsed) return `“${parsed.wrong}” is not a label.`;
          const any = Object.keys(parsed.labels).length > 0;
          set(["spec", "match", "matchLabels"], any ? parsed.labels : undefined);
          return undefined;
        }}
      />
      <Choices<Severity>
        legend="Severities (none: all)"
        all={SEVERITIES}
        chosen={route.severities}
        word={severityWord}
        onChange={(next) => set(["spec", "severities"], next)}
      />
      <Choices<IncidentKind>
        legend="Incidents (none: all)"
        all={INCIDENT_KINDS}
        chosen={route.incidents}
        word={kindWord}
        onChange={(next) => set(["spec", "incidents"], next)}
      />
    </>
  );
}

/** The fields. They write into the text, which stays the truth. */
export function RouteForm({ text, setText, errors, isNew }: Props) {
  const known = useKnownChannels();
  const route = readRoute(text);
  if (!route) {
    return (
      <Card>
        <CardHeader title="Fields" />
        <CardBody className="text-muted text-sm">They come back when the text can be read.</CardBody>
      </Card>
    );
  }
  const change = (how: (text: string) => string) => setText(how(text));
  const set: Set = (path, value) => setText(withValue(text, path, value));
  const refused = (path: string) => {
    const error = errors.find((each) => each.path === path || each.path?.startsWith(`${path}[`));
    return error && sentence(error.message);
  };
  const { name, channels, repeatEvery, escalate, quiet, goesOn, enabled } = route;
  return (
    <Card aria-label="Fields">
      <CardHeader title="Fields" aside="the text has them all" />
      <CardBody className="flex flex-col gap-4">
        {isNew && (
          <Field label="Name" hint="Routes are tried in the order of their names.">
            <Input
              value={name}
              maxLength={63}
              autoComplete="off"
              onValueChange={(next: string) => set(["metadata", "name"], next)}
            />
          </Field>
        )}
        <Choices
          legend="Channels"
          all={known(channels)}
          chosen={channels}
          needed="Choose at least one channel."
          problem={refused("spec.channels")}
          onChange={(next) => set(["spec", "channels"], next)}
        />
        <AboutFields route={route} set={set} />
        <Checked
          label="Remind every"
          optional
          hint="While it is open: 30m, 4h, 1d."
          value={repeatEvery}
          problem={
            repeatEvery ? (durationProblem(repeatEvery, 30) ?? refused("spec.repeatEvery")) : undefined
          }
          className="max-w-40"
          onChange={(next) => set(["spec", "repeatEvery"], next)}
        />
        <EscalationFields steps={escalate} known={known} refused={refused} change={change} />
        <QuietFields quiet={quiet} refused={refused} change={change} />
        <Checkbox checked={goesOn} onChange={(on) => set(["spec", "continue"], on ? undefined : false)}>
          Try the routes after it as well
        </Checkbox>
        <Checkbox checked={enabled} onChange={(on) => set(["spec", "enabled"], on ? undefined : false)}>
          Enabled
        </Checkbox>
      </CardBody>
    </Card>
  );
}
