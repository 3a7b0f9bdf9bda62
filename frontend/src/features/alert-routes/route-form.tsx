import { useInfiniteQuery } from "@tanstack/react-query";
import { useState } from "react";
import { channelsQuery } from "@/client/alerting";
import { SEVERITIES, type Severity } from "@/client/types";
import { severityWord } from "@/components/domain/incident-words";
import { Card, CardBody, CardHeader } from "@/components/ui/card";
import { Checkbox } from "@/components/ui/checkbox";
import { Field, Input } from "@/components/ui/field";
import { parseLabels } from "@/lib/labels";
import { readRoute, withValue } from "./spec";

type Props = { text: string; setText: (text: string) => void; isNew: boolean };

const names = (text: string) => text.split(/[\s,]+/).filter(Boolean);

/** A field that is text here and a list or mapping there: told when it is left, so that a comma can be typed. */
function Listed({
  label,
  hint,
  value,
  onChange,
}: {
  label: string;
  hint: string;
  value: string;
  onChange: (text: string) => string | undefined;
}) {
  const [draft, setDraft] = useState<string | null>(null);
  const [wrong, setWrong] = useState<string>();
  return (
    <Field label={label} aside="optional" hint={hint} error={wrong}>
      <Input
        value={draft ?? value}
        autoComplete="off"
        autoCapitalize="none"
        spellCheck={false}
        onValueChange={(next: string) => setDraft(next)}
        onBlur={() => {
          if (draft === null) return;
          const problem = onChange(draft);
          setWrong(problem);
          if (!problem) setDraft(null);
        }}
      />
    </Field>
  );
}

function Choices<T extends string>({
  legend,
  all,
  chosen,
  word = (each) => each,
  onChange,
}: {
  legend: string;
  all: readonly T[];
  chosen: readonly T[];
  word?: (each: T) => string;
  onChange: (chosen: T[]) => void;
}) {
  return (
    <fieldset>
      <legend className="mb-2 font-medium text-sm">{legend}</legend>
      <div className="grid grid-cols-2 gap-2">
        {all.map((each) => (
          <Checkbox
            key={each}
            checked={chosen.includes(each)}
            onChange={(on) => onChange(all.filter((one) => (one === each ? on : chosen.includes(one))))}
          >
            <span className="break-words">{word(each)}</span>
          </Checkbox>
        ))}
      </div>
    </fieldset>
  );
}

/** The common fields. They write into the text, which stays the truth. */
export function RouteForm({ text, setText, isNew }: Props) {
  const channels = useInfiniteQuery(channelsQuery).data?.pages.flatMap((page) => page.items) ?? [];
  const route = readRoute(text);
  if (!route) {
    return (
      <Card>
        <CardHeader title="Fields" />
        <CardBody className="text-muted text-sm">They come back when the text can be read.</CardBody>
      </Card>
    );
  }
  const { name, spec } = route;
  const set = (path: string[], value: unknown) => setText(withValue(text, path, value));
  const chosen = spec.channels ?? [];
  const known = [...new Set([...channels.map((channel) => channel.name), ...chosen])];
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
          all={known}
          chosen={chosen}
          onChange={(next) => set(["spec", "channels"], next)}
        />
        <Listed
          label="Namespaces"
          hint="Of the jobs it is about. None: all."
          value={(spec.match?.namespaces ?? []).join(", ")}
          onChange={(written) => {
            set(["spec", "match", "namespaces"], names(written));
            return undefined;
          }}
        />
        <Listed
          label="Labels"
          hint="key=value, all of which the job has."
          value={Object.entries(spec.match?.matchLabels ?? {})
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
          chosen={spec.severities ?? []}
          word={severityWord}
          onChange={(next) => set(["spec", "severities"], next)}
        />
        <Field label="Remind every" aside="optional" hint="While it is open: 30m, 4h, 1d.">
          <Input
            value={spec.repeatEvery ?? ""}
            autoComplete="off"
            className="max-w-40"
            onValueChange={(next: string) => set(["spec", "repeatEvery"], next.trim())}
          />
        </Field>
        <Checkbox
          checked={spec.continue !== false}
          onChange={(on) => set(["spec", "continue"], on ? undefined : false)}
        >
          Try the routes after it as well
        </Checkbox>
        <Checkbox
          checked={spec.enabled !== false}
          onChange={(on) => set(["spec", "enabled"], on ? undefined : false)}
        >
          Enabled
        </Checkbox>
      </CardBody>
    </Card>
  );
}
