import { HttpResponse, http } from "msw";
import type { LoginBody, RegisterBody } from "@/client/types";
import { makeSession, type World } from "./data";
import { CODE } from "./people";
import { notFound, page, problem, V1 } from "./respond";

const done = () => new HttpResponse(null, { status: 204 });
const sent = () => HttpResponse.json({ status: "sent" }, { status: 202 });
const badLink = () =>
  problem(422, "invalid_link", "This link does not work: it was used already, or was not copied whole.", {
    hint: "Ask for a new one.",
  });
const wrongPassword = () => problem(403, "wrong_password", "That is not your password.");
const wrongCode = (status = 403) =>
  problem(status, "invalid_code", "The code is wrong, or was used already.", {
    hint: "Wait for the next one.",
  });

/** Signing in and up, and the session. The first four also in a world that is broken otherwise. */
export const sessionHandlers = (world: World) => [
  http.post(`${V1}/auth/register`, async ({ request }) => {
    const body = (await request.json()) as RegisterBody;
    if (body.username === "taken") {
      return problem(409, "username_taken", "This username is taken", {
        detail: "The username “taken” is taken. Choose another.",
      });
    }
    // Where addresses are verified, a link that was handed over by hand proves none.
    if (world.people.options.email_verification) {
      world.people.unverified.push(body.email);
      return HttpResponse.json({ status: "verification_sent" }, { status: 202 });
    }
    world.session = makeSession(body.username);
    return HttpResponse.json(world.session, { status: 201 });
  }),
  http.post(`${V1}/auth/login`, async ({ request }) => {
    const body = (await request.json()) as LoginBody;
    if (body.password !== world.password)
      return problem(401, "invalid_credentials", "Wrong username or password");
    if (world.people.unverified.includes(body.login))
      return problem(403, "email_unverified", "Confirm your email address first.");
    if (world.people.totp.enabled && !body.code)
      return problem(401, "second_factor_required", "A code is needed as well.");
    if (world.people.totp.enabled && body.code !== CODE) return wrongCode(401);
    world.session = makeSession();
    return HttpResponse.json(world.session);
  }),
  http.post(`${V1}/auth/logout`, () => {
    world.session = null;
    return done();
  }),
  http.get(`${V1}/auth/me`, () =>
    world.session ? HttpResponse.json(world.session) : problem(401, "unauthenticated", "Not signed in"),
  ),
  http.get(`${V1}/auth/options`, () => HttpResponse.json(world.people.options)),
];

const linkHandlers = () => [
  http.post(`${V1}/auth/verify-email/resend`, sent),
  http.post(`${V1}/auth/password/forgot`, sent),
  ...["verify-email", "password/reset", "email/confirm"].map((path) =>
    http.post(`${V1}/auth/${path}`, async ({ request }) => {
      const { token } = (await request.json()) as { token: string };
      return token === "good" ? done() : badLink();
    }),
  ),
];

const CODES = Array.from({ length: 10 }, (_, index) => `k7m${index}-q2x${index}-t9p${index}`);

const totpHandlers = (world: World) => {
  const set = (enabled: boolean) => {
    world.people.totp = { enabled, recovery_codes_left: enabled ? 10 : 0 };
    if (world.session) world.session.user.totp_enabled = enabled;
  };
  return [
    http.get(`${V1}/auth/totp`, () => HttpResponse.json(world.people.totp)),
    http.post(`${V1}/auth/totp`, async ({ request }) => {
      const { password } = (await request.json()) as { password: string };
      if (password !== world.password) return wrongPassword();
      const secret = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";
      return HttpResponse.json({
        secret,
        uri: `otpauth://totp/Crontopus:acme?secret=${secret}&issuer=Crontopus`,
      });
    }),
    http.post(`${V1}/auth/totp/confirm`, async ({ request }) => {
      const { code } = (await request.json()) as { code: string };
      if (code !== CODE) return wrongCode();
      set(true);
      return HttpResponse.json({ recovery_codes: CODES });
    }),
    http.delete(`${V1}/auth/totp`, async ({ request }) => {
      const body = (await request.json()) as { password: string; code: string };
      if (body.password !== world.password) return wrongPassword();
      if (body.code !== CODE) return wrongCode();
      set(false);
      return done();
    }),
    http.post(`${V1}/auth/totp/recovery-codes`, async ({ request }) => {
      const body = (await request.json()) as { password: string; code: string };
      if (body.password !== world.password) return wrongPassword();
      if (body.code !== CODE) return wrongCode();
      set(true);
      return HttpResponse.json({ recovery_codes: CODES.map((code) => code.replace("k7m", "w3z")) });
    }),
  ];
};

/** One's own account. */
export const accountHandlers = (world: World) => [
  ...linkHandlers(),
  ...totpHandlers(world),
  http.post(`${V1}/auth/password`, async ({ request }) => {
    const body = (await request.json()) as { current: string; new: string };
    if (body.current !== world.password) return wrongPassword();
    world.password = body.new;
    world.people.signIns = world.people.signIns.filter(({ current }) => current);
    return done();
  }),
  http.post(`${V1}/auth/email`, async ({ request }) => {
    const body = (await request.json()) as { email: string; password: string };
    return body.password === world.password ? sent() : wrongPassword();
  }),
  http.get(`${V1}/auth/sessions`, ({ request }) => HttpResponse.json(page(world.people.signIns, request))),
  http.delete(`${V1}/auth/sessions`, () => {
    world.people.signIns = world.people.signIns.filter(({ current }) => current);
    return done();
  }),
  http.delete(`${V1}/auth/sessions/:id`, ({ params }) => {
    world.people.signIns = world.people.signIns.filter(({ id }) => id !== params.id);
    return done();
  }),
  http.get(`${V1}/auth/activity`, ({ request }) => HttpResponse.json(page(world.people.activity, request))),
  http.post(`${V1}/auth/switch`, async ({ request }) => {
    const { tenant: slug } = (await request.json()) as { tenant: string };
    const tenant = world.people.tenants.find((each) => each.slug === slug);
    if (!tenant || !world.session) return notFound("Tenant");
    world.session = {
      ...world.session,
      tenant,
      scopes: world.session.scopes.filter((scope) => tenant.role === "owner" || !scope.startsWith("tenant:")),
    };
    return HttpResponse.json(world.session);
  }),
];
