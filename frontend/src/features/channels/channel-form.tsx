import { type FormEvent, type ReactNode, useState } from "react";
import type { Channel, ChannelBody, ChannelKind } from "@/client/types";
import { ActionError } from "@/components/domain/query-error";
import { Button } from "@/components/ui/button";
import { Checkbox } from "@/components/ui/checkbox";
import { CodeBlock } from "@/components/ui/code";
import { Field, Input } from "@/components/ui/field";
import { Message } from "@/components/ui/message";
import { ChannelFields } from "./channel-fields";
import { configOf, problemsOf, type Values, valuesOf } from "./config";
import { KINDS } from "./kinds";

type Props = {
  kind: ChannelKind;
  /** The one being changed. */
  channel?: Channel;
  busy: boolean;
  error: unknown;
  submit: string;
  onSubmit: (body: ChannelBody) => void;
  cancel?: ReactNode;
};

const atMost = (text: string) => {
  const number = Number(text);
  return Number.isInteger(number) && number >= 1 && number <= 1000 ? number : undefined;
};

/** What is in the form, and what is wrong with it once somebody wanted to save it. */
function useChannelForm({ kind, channel, onSubmit }: Props) {
  const known = channel?.secrets ?? [];
  const [name, setName] = useState(channel?.name ?? "");
  const [byDefault, setByDefault] = useState(channel?.default ?? false);
  const [perMinute, setPerMinute] = useState(String(channel?.per_minute ?? 20));
  const [values, setValues] = useState<Values>(() => valuesOf(kind, channel?.config));
  const [tried, setTried] = useState(false);
  const limit = atMost(perMinute);
  const found = problemsOf(kind, values, known);
  const wrong = {
    name: name.trim() ? undefined : "Give it a name. Routes know it by that.",
    perMinute: limit ? undefined : "A whole number from 1 to 1,000.",
  };
  const go = (event: FormEvent) => {
    event.preventDefault();
    setTried(true);
    if (wrong.name || !limit || Object.keys(found).length > 0) return;
    onSubmit({ name: name.trim(), default: byDefault, per_minute: limit, config: configOf(kind, values) });
  };
  return {
    ...{ name, setName, byDefault, setByDefault, perMinute, setPerMinute, values, known, go },
    set: (key: string, value: string) => setValues((before) => ({ ...before, [key]: value })),
    problems: tried ? found : {},
    wrong: tried ? wrong : { name: undefined, perMinute: undefined },
  };
}

function Before({ kind }: { kind: ChannelKind }) {
  const { before, verify } = KINDS[kind];
  return (
    <Message tone="info" title="Before the first use">
      {before && <p>{before}</p>}
      {kind === "slack" && (
        <CodeBlock
          className="my-1.5"
          code={`${window.location.origin}/api/v1/slack/actions`}
          what="request URL"
          wrap
        />
      )}
      <p>{verify}</p>
    </Message>
  );
}

export function ChannelForm(props: Props) {
  const { kind, channel, busy, error, submit, cancel } = props;
  const form = useChannelForm(props);
  return (
    <form noValidate className="flex flex-col gap-4" onSubmit={form.go}>
      <ActionError error={error} />
      {!channel && <Before kind={kind} />}
      <Field label="Name" error={form.wrong.name}>
        <Input
          value={form.name}
          maxLength={100}
          autoComplete="off"
          placeholder="On call"
          onValueChange={form.setName}
        />
      </Field>
      {!channel?.builtin && (
        <ChannelFields
          kind={kind}
          values={form.values}
          problems={form.problems}
          known={form.known}
          onChange={form.set}
        />
      )}
      <Field
        label="At most, a minute"
        error={form.wrong.perMinute}
        hint="Beyond that, one message tells of many."
        className="max-w-56"
      >
        <Input
          type="number"
          inputMode="numeric"
          min={1}
          max={1000}
          value={form.perMinute}
          onValueChange={form.setPerMinute}
        />
      </Field>
      <Checkbox checked={form.byDefault} onChange={form.setByDefault}>
        Tell it of every incident that no route takes
      </Checkbox>
      <div className="flex justify-end gap-2">
        {cancel}
        <Button type="submit" variant="primary" busy={busy}>
          {submit}
        </Button>
      </div>
    </form>
  );
}
