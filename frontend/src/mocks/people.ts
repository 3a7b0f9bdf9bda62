import type {
  Activity,
  AuditEntry,
  AuthOptions,
  Invitation,
  Member,
  Session,
  SignIn,
  Tenant,
  Totp,
  UsageItem,
} from "@/client/types";
import { ago, uuid } from "./ids";

const DAY = 86_400;

/** The part of a world that is about people, their tenants and what they did. */
export type People = {
  options: AuthOptions;
  /** Registering sends an email first. */
  unverified: string[];
  signIns: SignIn[];
  totp: Totp;
  activity: Activity[];
  tenants: Tenant[];
  members: Member[];
  invitations: Invitation[];
  /** Of links in emails, by token: the one that was accepted or never was is none. */
  links: Map<string, { email: string; tenant: Tenant; role: Invitation["role"] }>;
  plan: string;
  usage: UsageItem[];
  audit: AuditEntry[];
};

export const CODE = "123456";

const COUNTS: [string, number | null, number, UsageItem["unit"]][] = [
  ["jobs", 412, 1000, "count"],
  ["endpoints", 187, 200, "count"],
  ["members", 50, 50, "count"],
  ["channels", 6, 50, "count"],
  ["check_ins_per_minute", null, 600, "per_minute"],
  ["repository_bytes", 34 * 2 ** 20, 500 * 2 ** 20, "bytes"],
  ["run_days", null, 90, "days"],
  ["failure_days", null, 180, "days"],
];

const FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0";

export function emptyPeople({ user, tenant }: Session): People {
  const own: Tenant = { ...tenant, role: "owner", plan: "team", delete_at: null, discovery: true };
  return {
    options: { registration: "open", email_verification: false, sso: null },
    unverified: [],
    signIns: [
      {
        id: uuid(),
        name: "Firefox on Linux",
        address: "203.0.113.7",
        created_at: ago(3 * DAY),
        last_used_at: ago(4),
        expires_at: ago(-27 * DAY),
        current: true,
        tenant: tenant.name,
      },
    ],
    totp: { enabled: false, recovery_codes_left: 0 },
    activity: [],
    tenants: [own],
    members: [
      {
        user_id: user.id,
        username: user.username,
        email: user.email,
        role: "owner",
        joined_at: ago(200 * DAY),
      },
    ],
    invitations: [],
    links: new Map([["good", { email: "new@example.com", tenant: OTHER, role: "editor" }]]),
    plan: "team",
    usage: COUNTS.map(([name, used, limit, unit]) => ({ name, limit, unit, used: used === null ? null : 0 })),
    audit: [],
  };
}

export const OTHER: Tenant = {
  id: "0199bb00-0000-7000-8000-000000000001",
  slug: "harbour",
  name: "Harbour Analytics",
  role: "editor",
  plan: "business",
  delete_at: null,
  discovery: true,
};

type Act = [action: string, seconds: number, after?: AuditEntry["after"], before?: AuditEntry["before"]];

const ACTS: Act[] = [
  ["session.created", 4 * 3600, { tenant: "acme" }],
  ["totp.enabled", 2 * DAY],
  ["account.password_changed", 9 * DAY],
  ["account.email_changed", 60 * DAY, { email: "ada@example.com" }, { email: "ada@old.example.com" }],
  ["account.registered", 200 * DAY, { username: "acme" }],
];

type Entry = [
  action: string,
  subject: [kind: string, name: string],
  seconds: number,
  after?: AuditEntry["after"],
  before?: AuditEntry["before"],
];

const ENTRIES: Entry[] = [
  ["token.rotated", ["token", "ci"], 340, { old_one_ends_at: ago(-DAY) }],
  ["member.role_changed", ["member", "grace"], 5400, { role: "admin" }, { role: "editor" }],
  ["invitation.created", ["invitation", "linus@example.com"], 8000, { role: "viewer" }],
  ["endpoint.enrolled", ["endpoint", "db-2"], DAY, { labels: { role: "db", env: "prod" } }],
  ["token.created", ["token", "grafana"], 3 * DAY, { scopes: ["runs:read"], expires_at: ago(5 * DAY) }],
  ["ping_key.rotated", ["ping_key", "default/hello"], 5 * DAY],
  ["tenant.renamed", ["tenant", "acme"], 8 * DAY, { name: "acme" }, { name: "Acme Widgets Ltd" }],
  ["endpoint.revoked", ["endpoint", "old-web"], 12 * DAY],
];

/** A tenant in use. */
export function usualPeople(session: Session): People {
  const people = emptyPeople(session);
  const [me] = people.members;
  const { user } = session;
  people.totp = { enabled: user.totp_enabled, recovery_codes_left: user.totp_enabled ? 8 : 0 };
  people.tenants.push(OTHER);
  const other = { address: "198.51.100.23", current: false, expires_at: ago(-12 * DAY) };
  people.signIns.push(
    {
      ...other,
      id: uuid(),
      name: "Safari on iPhone",
      created_at: ago(18 * DAY),
      last_used_at: ago(5000),
      tenant: "acme",
    },
    {
      ...other,
      id: uuid(),
      name: "Chrome on Windows",
      created_at: ago(25 * DAY),
      last_used_at: null,
      tenant: OTHER.name,
    },
  );
  people.activity = ACTS.map(([action, seconds, after = null, before = null]) => ({
    ...{ id: uuid(), at: ago(seconds), action, after, before },
    ...{ subject: user.username, by: null, address: "203.0.113.7", agent: FIREFOX },
  }));
  people.members.push(
    member("grace", "grace.hopper@example.com", "admin", 90),
    member("katherine", "katherine@a-rather-long-domain-of-a-subsidiary.example.com", "editor", 33),
    member("dorothy", "dorothy@example.com", "viewer", 2),
  );
  people.invitations = [
    {
      ...{ id: uuid(), email: "linus@example.com", role: "viewer", invited_by: "grace", link: null },
      ...{ created_at: ago(8000), sent_at: ago(7990), expires_at: ago(-6 * DAY), problem: null },
    },
    {
      ...{ id: uuid(), email: "margaret@exmaple.com", role: "editor", invited_by: user.username, link: null },
      ...{ created_at: ago(2 * DAY), sent_at: null, expires_at: ago(-5 * DAY) },
      problem: "The mail server refused the address: 550 no such user.",
    },
  ];
  people.usage = COUNTS.map(([name, used, limit, unit]) => ({ name, used, limit, unit }));
  people.audit = ENTRIES.map(([action, [kind, name], seconds, after = null, before = null], index) => ({
    ...{ id: uuid(), at: ago(seconds), action, after, before },
    actor: {
      kind: "user",
      id: me?.user_id ?? uuid(),
      name: index % 3 ? user.username : "grace",
      token_id: uuid(),
    },
    subject: { kind, id: uuid(), name },
    ...{ address: index % 4 === 3 ? null : "203.0.113.7", agent: FIREFOX },
  }));
  return people;
}

const member = (username: string, email: string, role: Member["role"], days: number): Member => ({
  ...{ user_id: uuid(), username, email, role },
  joined_at: ago(days * DAY),
});
