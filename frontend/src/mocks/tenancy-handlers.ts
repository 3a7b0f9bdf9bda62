import { HttpResponse, http } from "msw";
import type { Invitation, Member, Role, Tenant } from "@/client/types";
import { ago, uuid, type World } from "./data";
import { notFound, page, problem, query, V1 } from "./respond";

const done = () => new HttpResponse(null, { status: 204 });

const current = (world: World) =>
  world.people.tenants.find(({ id }) => id === world.session?.tenant.id) ??
  (world.people.tenants[0] as Tenant);

/** What the session says of the tenant follows what was done to it. */
function change(world: World, what: Partial<Tenant>) {
  const tenant = Object.assign(current(world), what);
  if (world.session) Object.assign(world.session.tenant, what);
  return HttpResponse.json(tenant);
}

const tenantHandlers = (world: World) => [
  http.get(`${V1}/tenants`, ({ request }) => HttpResponse.json(page(world.people.tenants, request))),
  http.post(`${V1}/tenants`, async ({ request }) => {
    const { slug, name } = (await request.json()) as { slug: string; name?: string };
    if (world.people.tenants.some((tenant) => tenant.slug === slug))
      return problem(409, "slug_taken", "That address is taken.", { hint: "Choose another one." });
    const tenant: Tenant = {
      ...{
        id: uuid(),
        slug,
        name: name ?? slug,
        role: "owner",
        plan: "free",
        delete_at: null,
        discovery: true,
      },
    };
    world.people.tenants.push(tenant);
    world.session?.tenants.push(tenant);
    return HttpResponse.json(tenant, { status: 201 });
  }),
  http.get(`${V1}/tenants/current`, () => HttpResponse.json(current(world))),
  http.patch(`${V1}/tenants/current`, async ({ request }) =>
    change(world, (await request.json()) as { name: string }),
  ),
  http.delete(`${V1}/tenants/current`, async ({ request }) => {
    const { confirm } = (await request.json()) as { confirm: string };
    if (confirm !== current(world).slug) return problem(422, "not_confirmed", "That is not its address.");
    return change(world, { delete_at: ago(-7 * 86_400) });
  }),
  http.post(`${V1}/tenants/current/restore`, () => change(world, { delete_at: null })),
  http.post(`${V1}/tenants/current/transfer`, async ({ request }) => {
    const { user_id } = (await request.json()) as { user_id: string };
    for (const member of world.people.members) {
      if (member.user_id === user_id) member.role = "owner";
      else if (member.user_id === world.session?.user.id) member.role = "admin";
    }
    return change(world, { role: "admin" });
  }),
  http.post(`${V1}/tenants/current/leave`, () => {
    if (current(world).role === "owner")
      return problem(409, "last_owner", "You are the only owner.", { hint: "Hand the tenant over first." });
    world.session = null;
    return done();
  }),
  http.get(`${V1}/usage`, () => HttpResponse.json({ plan: world.people.plan, items: world.people.usage })),
];

const memberHandlers = (world: World) => [
  http.get(`${V1}/members`, ({ request }) => HttpResponse.json(page(world.people.members, request))),
  http.patch(`${V1}/members/:id`, async ({ params, request }) => {
    const member = world.people.members.find(({ user_id }) => user_id === params.id);
    const { role } = (await request.json()) as Pick<Member, "role">;
    if (!member) return notFound("Member");
    const owners = world.people.members.filter((each) => each.role === "owner");
    if (member.role === "owner" && role !== "owner" && owners.length === 1)
      return problem(409, "last_owner", "A tenant has one owner at least.", {
        hint: "Make another one first.",
      });
    member.role = role;
    return HttpResponse.json(member);
  }),
  http.delete(`${V1}/members/:id`, ({ params }) => {
    world.people.members = world.people.members.filter(({ user_id }) => user_id !== params.id);
    return done();
  }),
];

const invitationHandlers = (world: World) => [
  http.get(`${V1}/invitations`, ({ request }) => HttpResponse.json(page(world.people.invitations, request))),
  http.post(`${V1}/invitations`, async ({ request }) => {
    const { email, role } = (await request.json()) as { email: string; role: Role };
    if (world.people.invitations.some((each) => each.email === email))
      return problem(409, "already_invited", `${email} has been invited already.`, {
        hint: "Send it again instead.",
      });
    const invitation: Invitation = {
      ...{ id: uuid(), email, role, invited_by: world.session?.user.username ?? "", created_at: ago(0) },
      ...{ expires_at: ago(-7 * 86_400), sent_at: null, problem: null },
      link: `${globalThis.location?.origin}/invitation?token=eyJpbnZpdGF0aW9uIjoiMDE5OSJ9.mock`,
    };
    world.people.invitations.unshift(invitation);
    return HttpResponse.json(invitation, { status: 201 });
  }),
  http.post(`${V1}/invitations/preview`, async ({ request }) => {
    const { token } = (await request.json()) as { token: string };
    const link = world.people.links.get(token);
    if (!link)
      return problem(422, "invalid_invitation", "This invitation does not work: it was used or is too old.", {
        hint: "Ask for a new one.",
      });
    return HttpResponse.json({
      ...{ tenant_name: link.tenant.name, role: link.role, email: link.email },
      ...{ invited_by: "grace", expires_at: ago(-6 * 86_400) },
    });
  }),
  http.post(`${V1}/invitations/accept`, async ({ request }) => {
    const { token } = (await request.json()) as { token: string };
    const link = world.people.links.get(token);
    if (!link) return problem(422, "invalid_invitation", "This invitation does not work.");
    world.people.links.delete(token);
    if (!world.people.tenants.includes(link.tenant)) world.people.tenants.push(link.tenant);
    return HttpResponse.json(link.tenant);
  }),
  http.delete(`${V1}/invitations/:id`, ({ params }) => {
    world.people.invitations = world.people.invitations.filter(({ id }) => id !== params.id);
    return done();
  }),
  http.post(`${V1}/invitations/:id/resend`, ({ params }) => {
    const invitation = world.people.invitations.find(({ id }) => id === params.id);
    if (!invitation) return notFound("Invitation");
    Object.assign(invitation, { sent_at: ago(0), problem: null });
    return HttpResponse.json(invitation);
  }),
];

const auditHandler = (world: World) =>
  http.get(`${V1}/audit-log`, ({ request }) => {
    const [actor, action, subject, since, until] = ["actor", "action", "subject", "since", "until"].map(
      (name) => query(request, name),
    );
    const items = world.people.audit.filter(
      (entry) =>
        (!actor || entry.actor.name === actor || entry.actor.id === actor) &&
        (!action || entry.action === action || entry.action.startsWith(`${action}.`)) &&
        (!subject || entry.subject.name === subject || entry.subject.id === subject) &&
        (!since || entry.at >= since) &&
        (!until || entry.at < until),
    );
    return HttpResponse.json(page(items, request));
  });

/** Tenants, their members and plans, and the log. */
export const tenancyHandlers = (world: World) => [
  ...tenantHandlers(world),
  ...memberHandlers(world),
  ...invitationHandlers(world),
  auditHandler(world),
];
