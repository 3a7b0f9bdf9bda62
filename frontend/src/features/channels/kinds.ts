import type { ChannelKind } from "@/client/types";

/** A field of a kind's configuration. */
export type KindField = {
  name: string;
  label: string;
  /** Never comes back from the server; left empty it stays as it is. */
  secret?: true;
  optional?: true;
  hint?: string;
  placeholder?: string;
  /** `addresses` and `headers`: one a line. */
  type?: "addresses" | "headers" | "template" | "region" | "owners";
  /** What it is when nothing is written. */
  fallback?: string;
};

export type Kind = {
  word: string;
  /** What it does, to choose by. */
  means: string;
  /** What has to be done over there first. */
  before?: string;
  /** How it becomes verified. */
  verify: string;
  fields: readonly KindField[];
};

const BY_TEST = "Nothing is sent before a test was taken. Send one when it is saved.";
const url = (hint: string): KindField => ({
  name: "url",
  label: "Webhook address",
  secret: true,
  hint,
  placeholder: "https://",
});
const region: KindField = { name: "region", label: "Region", type: "region", fallback: "us" };

export const KINDS: Record<ChannelKind, Kind> = {
  email: {
    word: "Email",
    means: "Text and HTML, one thread per incident",
    verify: "Each address gets a mail with a link to confirm; nothing else is sent to it before.",
    fields: [
      {
        name: "to",
        label: "Addresses",
        type: "addresses",
        hint: "One a line, at most 20.",
        placeholder: "ops@example.com",
      },
      { name: "owners", label: "Whoever owns the tenant", type: "owners" },
    ],
  },
  slack: {
    word: "Slack app",
    means: "One message that changes with the incident, with buttons",
    before:
      "Make a Slack app with the scope chat:write and invite it to the channel. For its buttons, set the Interactivity Request URL to",
    verify: BY_TEST,
    fields: [
      { name: "channel", label: "Channel", placeholder: "#ops", hint: "Its name or id." },
      { name: "token", label: "Bot token", secret: true, placeholder: "xoxb-…" },
      {
        name: "signing_secret",
        label: "Signing secret",
        secret: true,
        optional: true,
        hint: "For Acknowledge and Snooze in Slack.",
      },
    ],
  },
  slack_webhook: {
    word: "Slack webhook",
    means: "A message per piece of news; also Mattermost, Rocket.Chat",
    verify: BY_TEST,
    fields: [url("An incoming webhook.")],
  },
  pagerduty: {
    word: "PagerDuty",
    means: "Triggers, acknowledges and resolves one alert per incident",
    before: "Add an integration of the kind Events API v2 to a service.",
    verify: BY_TEST,
    fields: [{ name: "routing_key", label: "Integration key", secret: true }, region],
  },
  opsgenie: {
    word: "Opsgenie",
    means: "Creates, acknowledges and closes one alert per incident",
    verify: BY_TEST,
    fields: [{ name: "api_key", label: "API key", secret: true }, region],
  },
  webhook: {
    word: "Webhook",
    means: "Signed JSON to an address of yours",
    verify: BY_TEST,
    fields: [
      { name: "url", label: "Address", placeholder: "https://example.com/hooks/crontopus" },
      {
        name: "signing_secret",
        label: "Signing secret",
        secret: true,
        optional: true,
        hint: "Left empty, one is made and shown once.",
      },
      {
        name: "headers",
        label: "Headers",
        type: "headers",
        secret: true,
        optional: true,
        hint: "Name: value, one a line. Kept secret.",
        placeholder: "X-Team: platform",
      },
      {
        name: "template",
        label: "Template",
        type: "template",
        optional: true,
        hint: "Another body than ours, in Jinja's syntax.",
        placeholder: '{"text": {{ incident.title | tojson }}}',
      },
      { name: "content_type", label: "Content type", fallback: "application/json" },
    ],
  },
  teams: {
    word: "Microsoft Teams",
    means: "An Adaptive Card",
    before: "Make a workflow that posts to a channel when a webhook request is received.",
    verify: BY_TEST,
    fields: [url("Of the workflow.")],
  },
  discord: {
    word: "Discord",
    means: "A message that changes with the incident",
    verify: BY_TEST,
    fields: [url("In the channel's settings, under Integrations.")],
  },
  telegram: {
    word: "Telegram",
    means: "Messages of a bot, answering the first one",
    before: "Make a bot with @BotFather and add it to the chat.",
    verify: BY_TEST,
    fields: [
      { name: "chat_id", label: "Chat", placeholder: "-1001234567890", hint: "Its number, or @name." },
      { name: "token", label: "Bot token", secret: true },
    ],
  },
  ntfy: {
    word: "ntfy",
    means: "Push messages with a priority",
    verify: BY_TEST,
    fields: [
      { name: "topic", label: "Topic" },
      { name: "url", label: "Server", fallback: "https://ntfy.sh" },
      { name: "token", label: "Access token", secret: true, optional: true },
    ],
  },
};

export const CHANNEL_KINDS = Object.keys(KINDS) as ChannelKind[];
