// Screenshots and an accessibility check of every page, with mock data, in a real browser and under the
// content security policy of production. `npm run shots [out-dir] [pattern]`; exits 1 on any violation.
import { spawnSync } from "node:child_process";
import { mkdir, readFile, rm } from "node:fs/promises";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { extname, join, normalize } from "node:path";
import { chromium } from "playwright-core";

const out = process.argv[2] ?? join(tmpdir(), "crontopus-shots");
/** A regular expression over names such as "jobs-empty-phone". */
const only = new RegExp(process.argv[3] ?? "");
const dist = join(tmpdir(), "crontopus-console-mock");
const CSP =
  "default-src 'self'; base-uri 'none'; object-src 'none'; frame-ancestors 'none'; form-action 'self'";
const TYPES = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".css": "text/css",
  ".svg": "image/svg+xml",
  ".woff2": "font/woff2",
};

/** Like production: static files, everything else is the application. */
function serve() {
  const server = createServer(async (request, response) => {
    const path = normalize(new URL(request.url, "http://x").pathname);
    const isFile = extname(path) in TYPES;
    const file = join(dist, isFile ? path : "index.html");
    try {
      const body = await readFile(file);
      response.writeHead(200, { "Content-Type": TYPES[extname(file)], "Content-Security-Policy": CSP });
      response.end(body);
    } catch {
      response.writeHead(404).end();
    }
  });
  return new Promise((resolve) => {
    server.listen(0, "127.0.0.1", () =>
      resolve({ server, base: `http://127.0.0.1:${server.address().port}` }),
    );
  });
}

const click = (role, name) => (page) => page.getByRole(role, { name }).first().click();
const openFirst = (link) => async (page) => {
  await page.locator(link).first().click();
  await page.waitForLoadState("networkidle");
};

const troubled = (page) => page.getByText("The server has a problem").waitFor({ timeout: 20_000 });

/** name, address, world, what to do before the picture. */
const PAGES = [
  ["sign-in", "/sign-in", "signed-out"],
  [
    "sign-in-error",
    "/sign-in",
    "signed-out",
    async (page) => {
      await page.getByLabel("Username or email").fill("acme");
      await page.getByLabel("Password", { exact: true }).fill("wrong");
      await page.getByRole("button", { name: "Sign in" }).click();
      await page.getByRole("alert").waitFor();
    },
  ],
  ["sign-up", "/sign-up", "signed-out", click("button", "Create account")],
  [
    "sign-in-code",
    "/sign-in",
    "locked",
    async (page) => {
      await page.getByLabel("Username or email").fill("acme");
      await page.getByLabel("Password", { exact: true }).fill("correct horse");
      await page.getByRole("button", { name: "Sign in" }).click();
      await page.getByLabel("Code").waitFor();
    },
  ],
  ["sign-in-sso", "/sign-in?error=access_denied", "locked"],
  ["sign-up-invited", "/sign-up?invitation=good", "signed-out"],
  ["sign-up-closed", "/sign-up", "locked"],
  [
    "sign-up-mailed",
    "/sign-up?invitation=good",
    "locked",
    async (page) => {
      await page.getByLabel("Username").fill("new");
      await page.getByLabel("Password", { exact: true }).fill("correct horse battery");
      await page.getByRole("button", { name: "Create account" }).click();
      await page.getByRole("heading", { name: "Check your mail" }).waitFor();
    },
  ],
  ["verify-email", "/verify-email?token=good", "signed-out", click("button", "Confirm")],
  ["verify-email-again", "/verify-email", "signed-out"],
  ["forgot-password", "/forgot-password", "signed-out"],
  [
    "reset-password",
    "/reset-password?token=used",
    "signed-out",
    async (page) => {
      await page.getByLabel("New password").fill("correct horse battery");
      await page.getByRole("button", { name: "Set password" }).click();
      await page.getByRole("alert").waitFor();
    },
  ],
  ["confirm-email", "/confirm-email?token=good", "signed-out"],
  ["invitation", "/invitation?token=good", "usual"],
  ["invitation-anonymous", "/invitation?token=good", "signed-out"],
  ["invitation-used", "/invitation?token=used", "usual"],
  ["account", "/account", "usual"],
  ["account-security", "/account?tab=security", "usual"],
  [
    "account-totp",
    "/account?tab=security",
    "usual",
    async (page) => {
      await page.getByRole("button", { name: "Set up" }).click();
      await page.getByLabel("Your password").fill("correct horse");
      await page.getByRole("button", { name: "Continue" }).click();
      await page.getByRole("img", { name: /QR code/ }).waitFor();
    },
  ],
  [
    "account-codes",
    "/account?tab=security",
    "usual",
    async (page) => {
      await page.getByRole("button", { name: "Set up" }).click();
      await page.getByLabel("Your password").fill("correct horse");
      await page.getByRole("button", { name: "Continue" }).click();
      await page.getByLabel("Code", { exact: true }).fill("123456");
      await page.getByRole("button", { name: "Turn on" }).click();
      await page.getByRole("list", { name: "Recovery codes" }).waitFor();
    },
  ],
  ["account-sessions", "/account?tab=sessions", "usual"],
  ["account-activity", "/account?tab=activity", "usual"],
  ["account-activity-empty", "/account?tab=activity", "empty"],
  ["settings", "/settings", "usual"],
  [
    "settings-ending",
    "/settings",
    "usual",
    async (page) => {
      await page.getByRole("button", { name: "Delete tenant" }).click();
      await page.getByLabel("Type acme to confirm").fill("acme");
      await page.getByRole("alertdialog").getByRole("button", { name: "Delete tenant" }).click();
      await page.getByRole("button", { name: "Restore" }).waitFor();
    },
  ],
  [
    "settings-delete",
    "/settings",
    "usual",
    async (page) => {
      await page.getByRole("button", { name: "Delete tenant" }).click();
      await page.getByLabel("Type acme to confirm").waitFor();
    },
  ],
  ["settings-members", "/settings/members", "usual"],
  [
    "settings-invite",
    "/settings/members",
    "empty",
    async (page) => {
      await page.getByRole("button", { name: "Invite" }).click();
      await page.getByLabel("Email").fill("new@example.com");
      await page.getByRole("button", { name: "Send invitation" }).click();
      await page.getByText("No email was sent").waitFor();
    },
  ],
  ["settings-usage", "/settings/usage", "usual"],
  [
    "settings-error",
    "/settings/usage",
    "error",
    (page) => page.getByText("The server has a problem").waitFor({ timeout: 20_000 }),
  ],
  ["settings-audit", "/settings/audit", "usual"],
  ["settings-audit-nomatch", "/settings/audit?actor=nobody&action=token", "usual"],
  ["tenant-new", "/tenants/new", "usual"],
  [
    "tenant-menu",
    "/jobs",
    "usual",
    async (page) => {
      await page
        .getByRole("button", { name: /switch tenant/ })
        .first()
        .click();
      await page.getByRole("menu").waitFor();
    },
  ],
  ["jobs", "/jobs", "usual"],
  ["jobs-empty", "/jobs", "empty"],
  [
    "jobs-error",
    "/jobs",
    "error",
    (page) => page.getByText("The server has a problem").waitFor({ timeout: 20_000 }),
  ],
  [
    "jobs-many",
    "/jobs",
    "many",
    async (page) => {
      for (let at = 0; at < 12; at += 1) {
        await page.evaluate(() => window.scrollTo(0, document.body.scrollHeight));
        await page.waitForTimeout(150);
      }
    },
  ],
  ["jobs-nomatch", "/jobs?q=zzz", "usual"],
  ["job-agent", "/jobs/production/nightly-backup", "usual"],
  ["job-ping", "/jobs/default/sitemap-ping-search-engines-and-rebuild-index", "usual"],
  ["job-new-uptime", "/jobs/default/weekly-digest", "usual"],
  ["job-nowhere", "/jobs/production/gpu-report", "usual"],
  ["job-runs", "/jobs/production/nightly-backup?tab=runs", "usual"],
  [
    "job-manifest",
    "/jobs/production/nightly-backup?tab=manifest",
    "usual",
    (page) => page.locator(".cm-content").waitFor(),
  ],
  [
    "job-history",
    "/jobs/production/nightly-backup?tab=history",
    "usual",
    async (page) => {
      const list = page.getByRole("list", { name: "Versions" });
      await list.waitFor();
      if (await page.getByRole("region", { name: "Version", exact: true }).isVisible()) {
        await page.getByRole("group", { name: /^Changes in/ }).waitFor();
      }
    },
  ],
  [
    "job-version",
    "/jobs/production/nightly-backup?tab=history",
    "usual",
    async (page) => {
      await page.getByRole("link", { name: "nightly-backup: give it an hour" }).click();
      await page.getByRole("group", { name: /^Changes in/ }).waitFor();
    },
  ],
  [
    "job-rollback",
    "/jobs/production/nightly-backup?tab=history",
    "usual",
    async (page) => {
      await page.getByRole("link", { name: "Change production/nightly-backup" }).click();
      await page.getByRole("button", { name: "Roll back to this version" }).click();
      await page.getByRole("group", { name: /^Changes of/ }).waitFor();
    },
  ],
  ["job-history-long", "/jobs/production/nightly-backup?tab=history", "many"],
  [
    "job-paused",
    "/jobs/production/rotate-logs",
    "usual",
    async (page) => {
      await page.getByRole("button", { name: "Pause" }).click();
      await page.getByRole("button", { name: "Undo" }).waitFor();
    },
  ],
  [
    "job-rename",
    "/jobs/production/rotate-logs",
    "usual",
    async (page) => {
      await page.getByRole("button", { name: "Rename" }).click();
      await page.getByRole("textbox", { name: "Name", exact: true }).fill("rotate-all-logs");
      await page.getByText("Moved").waitFor();
    },
  ],
  ["job-discovered", "/jobs/discovered/db-1-certbot-renew", "usual"],
  ["job-violation", "/jobs/production/vacuum-analyze", "usual"],
  [
    "job-deleted",
    "/jobs/default/hello",
    "usual",
    async (page) => {
      await page.getByRole("button", { name: "Delete" }).click();
      await page.getByText("Stops running on").waitFor();
      await page.getByRole("button", { name: "Delete job" }).click();
      await page.getByRole("heading", { name: "Jobs", exact: true }).waitFor();
      await page.goBack();
      await page.getByText("deleted this job").waitFor();
    },
  ],
  [
    "job-preview",
    "/jobs/production/nightly-backup/edit",
    "usual",
    async (page) => {
      await page.locator(".cm-content").click();
      await page.keyboard.press("Control+End");
      // One line: the editor indents the next one by itself.
      await page.keyboard.type("  user: root\n");
      await page.getByRole("button", { name: "Preview changes" }).click();
      await page.getByText("What saving would do").waitFor();
    },
  ],
  [
    "job-conflict",
    "/jobs/production/rotate-logs",
    "usual",
    async (page) => {
      await page.getByRole("link", { name: "Edit" }).click();
      await page.locator(".cm-content").click();
      await page.keyboard.press("Control+End");
      await page.keyboard.type("  concurrency: forbid\n");
      await page.evaluate(() => fetch("/api/v1/jobs/production/rotate-logs/pause", { method: "POST" }));
      await page.getByRole("button", { name: "Save" }).click();
      await page.getByRole("group", { name: "From their version to yours" }).waitFor();
    },
  ],
  ["import", "/jobs/import", "usual"],
  [
    "import-preview",
    "/jobs/import",
    "usual",
    async (page) => {
      await page
        .getByLabel("What the machine has")
        .fill(
          "PATH=/usr/local/bin\n0 2 * * * /opt/backup.sh --full\n*/15 * * * * /opt/sync.sh | logger -t sync-with-a-very-long-tag-that-nobody-would-choose\n@reboot /opt/start.sh\n30 6 * * 1-5 /opt/report.sh +%F\n",
        );
      await page.getByLabel("Labels").fill("role=db");
      await page.getByRole("button", { name: "Preview jobs" }).click();
      await page.getByText("3 jobs found").waitFor();
    },
  ],
  ["repository", "/repository", "usual"],
  ["repository-empty", "/repository", "empty"],
  [
    "repository-error",
    "/repository",
    "error",
    (page) => page.getByText("The server has a problem").first().waitFor({ timeout: 20_000 }),
  ],
  [
    "repository-branch",
    "/repository?ref=tidy-up",
    "usual",
    async (page) => {
      await page.getByText("Can be merged").waitFor();
      await page.getByText("nightly-backup").first().click();
      await page.getByText("no-root").last().click();
    },
  ],
  ["repository-conflict", "/repository?ref=old-branch", "usual"],
  ["job-missing", "/jobs/default/nothing", "usual"],
  [
    "job-delete",
    "/jobs/default/hello",
    "usual",
    async (page) => {
      await page.getByRole("button", { name: "Delete" }).click();
      await page.getByText("Stops running on").waitFor();
    },
  ],
  ["job-new", "/jobs/new?mode=agent", "usual", (page) => page.locator(".cm-content").waitFor()],
  [
    "job-invalid",
    "/jobs/production/nightly-backup/edit",
    "usual",
    async (page) => {
      await page.locator(".cm-content").click();
      await page.keyboard.press("Control+End");
      await page.keyboard.type("  timezon: Europe/Paris\n");
      await page.getByRole("button", { name: "Save" }).click();
      await page.getByText("The server refused this manifest").waitFor();
    },
  ],
  ["runs", "/runs", "usual"],
  ["runs-filtered", "/runs?job=production/nightly-backup&state=failure", "usual"],
  ["runs-labels", "/runs?label=team%3Dfinance&label=tier%3Dgold", "usual"],
  [
    "runs-label-wrong",
    "/runs?label=team%3Dnobody",
    "usual",
    async (page) => {
      await page.getByLabel("Label", { exact: true }).fill("finance");
      await page.keyboard.press("Enter");
      await page.getByText("is not a label").waitFor();
    },
  ],
  ["runs-empty", "/runs", "empty"],
  ["run-failed", "/runs", "usual", openFirst("[role=row]:has-text('Failed') a.row-link")],
  ["run-missed", "/runs?state=missed", "usual", openFirst("a.row-link")],
  ["reports", "/reports", "usual"],
  ["reports-endpoints", "/reports?by=endpoints&days=7", "usual"],
  ["reports-empty", "/reports", "empty"],
  [
    "reports-error",
    "/reports",
    "error",
    (page) => page.getByText("The server has a problem").waitFor({ timeout: 20_000 }),
  ],
  ["incidents", "/incidents", "usual"],
  ["incidents-empty", "/incidents", "empty"],
  ["incident", "/incidents", "usual", openFirst("a.row-link")],
  ["incidents-filtered", "/incidents?kind=missed&job=finance%2Fledger-export", "usual"],
  ["incidents-many", "/incidents", "many"],
  [
    "incident-menu",
    "/incidents",
    "usual",
    async (page) => {
      await openFirst("a.row-link")(page);
      await page.getByText("Part of this incident").first().waitFor();
      await page.getByRole("button", { name: "More ways to respond" }).click();
      await page.getByRole("menu").waitFor();
    },
  ],
  ["channels", "/channels", "usual"],
  ["channels-empty", "/channels", "empty"],
  ["channels-many", "/channels", "many"],
  ["channels-error", "/channels", "error", troubled],
  ["channel", "/channels", "usual", openFirst("a.row-link:has-text('warehouse')")],
  [
    "channel-tested",
    "/channels",
    "usual",
    async (page) => {
      await openFirst("a.row-link:has-text('ops')")(page);
      await page.getByRole("button", { name: "Send test to ops" }).click();
      await page.getByText("The test was not taken").waitFor();
    },
  ],
  ["channel-kinds", "/channels/new", "usual"],
  ["channel-new-slack", "/channels/new?kind=slack", "usual"],
  ["channel-new-webhook", "/channels/new?kind=webhook", "usual", click("button", "Make channel")],
  ["deliveries", "/deliveries", "usual"],
  ["deliveries-empty", "/deliveries", "empty"],
  ["deliveries-many", "/deliveries", "many"],
  ["deliveries-error", "/deliveries", "error", troubled],
  ["delivery", "/deliveries?state=failed", "usual", openFirst("a.row-link")],
  ["routes", "/routes", "usual"],
  [
    "routes-tested",
    "/routes",
    "usual",
    async (page) => {
      await page.getByLabel("Job").fill("production/nightly-backup");
      await page.getByRole("button", { name: "Ask" }).click();
      await page.getByText("Routes tried").waitFor();
    },
  ],
  ["routes-empty", "/routes", "empty"],
  ["routes-many", "/routes", "many"],
  ["routes-error", "/routes", "error", troubled],
  ["route-new", "/routes/new", "usual", (page) => page.locator(".cm-content").waitFor()],
  ["route-edit", "/routes/edit/20-critical", "usual", (page) => page.locator(".cm-content").waitFor()],
  [
    "route-edit-wrong",
    "/routes/edit/10-finance",
    "usual",
    async (page) => {
      await page.locator(".cm-content").waitFor();
      await page.getByRole("button", { name: "Add step" }).click();
      await page.getByRole("button", { name: "Add step" }).click();
      await page.getByRole("group", { name: "Step 2" }).getByLabel("After").fill("5m");
      await page.getByRole("group", { name: "Step 2" }).getByRole("checkbox", { name: "ops" }).focus();
      await page.getByRole("button", { name: "Add window" }).click();
      await page.getByLabel("Time zone").fill("Mars/Base");
      await page.getByRole("group", { name: "Window 2" }).getByLabel("From").fill("");
      await page.getByRole("checkbox", { name: "Enabled" }).focus();
    },
  ],
  ["maintenance", "/maintenance", "usual"],
  ["maintenance-empty", "/maintenance", "empty"],
  ["maintenance-many", "/maintenance", "many"],
  ["maintenance-error", "/maintenance", "error", troubled],
  ["maintenance-start", "/maintenance", "usual", click("button", "Start now")],
  ["maintenance-new", "/maintenance/new", "usual", (page) => page.locator(".cm-content").waitFor()],
  ["endpoints", "/endpoints", "usual"],
  ["endpoint-unlock", "/endpoints", "usual", click("button", "Unlock db-3")],
  ["endpoints-empty", "/endpoints", "empty"],
  ["endpoint-add", "/endpoints?add=true&labels=role%3Ddemo", "empty"],
  [
    "endpoint-token",
    "/endpoints?add=true&labels=role%3Ddemo",
    "empty",
    async (page) => {
      await page.getByRole("button", { name: "Create token" }).click();
      await page.getByText("Waiting for the machine").waitFor();
    },
  ],
  ["tokens", "/tokens", "usual"],
  ["tokens-all", "/tokens?all=true", "usual"],
  ["token-rotate", "/tokens", "usual", click("button", "Rotate ci")],
  ["tokens-empty", "/tokens", "empty"],
  ["token-new", "/tokens", "usual", click("button", "New token")],
  [
    "token-created",
    "/tokens",
    "usual",
    async (page) => {
      await page.getByRole("button", { name: "New token" }).click();
      await page.getByLabel("Name").fill("laptop");
      await page.getByRole("button", { name: "Create token" }).click();
      await page.getByText("Copy it now").waitFor();
    },
  ],
  ["not-found", "/nowhere", "usual"],
  [
    "menu",
    "/jobs",
    "usual",
    async (page) => {
      const drawer = page.getByRole("button", { name: "Open menu" });
      if (await drawer.isVisible()) await drawer.click();
      else await page.getByRole("button", { name: /theme and sign out/ }).click();
    },
  ],
];

const VIEWS = [
  { name: "light", theme: "light", width: 1360, height: 900 },
  { name: "dark", theme: "dark", width: 1360, height: 900 },
  { name: "phone", theme: "light", width: 390, height: 844 },
  { name: "phone-dark", theme: "dark", width: 390, height: 844 },
];

async function shoot(browser, base, view, [name, path, world, act], axe) {
  const troubles = [];
  const context = await browser.newContext({
    viewport: { width: view.width, height: view.height },
    colorScheme: view.theme,
    reducedMotion: "reduce",
    timezoneId: "Europe/London",
  });
  const page = await context.newPage();
  page.on("pageerror", (error) => troubles.push(`page error: ${error.message}`));
  page.on("console", (message) => {
    const text = message.text();
    // The browser itself reports the answers that the error pages are about.
    if (message.type() === "error" && !text.startsWith("Failed to load resource")) {
      troubles.push(`console: ${text} (${message.location().url}:${message.location().lineNumber})`);
    }
  });
  const address = new URL(path, base);
  address.searchParams.set("mock", world);
  await page.goto(address.href);
  await page.waitForLoadState("networkidle");
  await page.locator("main h1").first().waitFor();
  await page.waitForFunction(() => !document.querySelector("[role=status][aria-label=Loading]"), null, {
    timeout: 20_000,
  });
  if (act) await act(page);
  await page.waitForTimeout(350);
  const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  if (overflow > 0) troubles.push(`the page scrolls sideways by ${overflow} px`);
  // Through the debugger, which the content security policy does not bind.
  await page.evaluate(axe);
  const { violations } = await page.evaluate(
    // An open menu hangs under <body>, outside every landmark, as menus do.
    (menu) => globalThis.axe.run({ resultTypes: ["violations"], rules: { region: { enabled: !menu } } }),
    name.endsWith("menu"),
  );
  for (const violation of violations) {
    troubles.push(
      `axe ${violation.id} (${violation.impact}): ${violation.nodes
        .slice(0, 3)
        .map((node) => `${node.target} ${node.any[0]?.message ?? ""}`)
        .join(" | ")}`,
    );
  }
  await page.evaluate(() => window.scrollTo(0, 0));
  await page.screenshot({
    path: join(out, `${name}-${view.name}.png`),
    fullPage: !name.endsWith("-many") && name !== "job-history-long",
  });
  await context.close();
  return troubles;
}

async function main() {
  if (!process.env.SHOTS_NO_BUILD) {
    const vite = join(import.meta.dirname, "../node_modules/vite/bin/vite.js");
    const build = spawnSync(
      process.execPath,
      [vite, "build", "--outDir", dist, "--emptyOutDir", "--logLevel", "warn"],
      {
        cwd: join(import.meta.dirname, ".."),
        env: { ...process.env, VITE_MOCK: "1" },
        stdio: "inherit",
      },
    );
    if (build.status !== 0) process.exit(1);
  }
  if (!process.argv[3]) await rm(out, { recursive: true, force: true });
  await mkdir(out, { recursive: true });
  const { server, base } = await serve();
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      "--no-first-run",
    ],
  });
  const axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
  let failed = 0;
  for (const entry of PAGES) {
    for (const view of VIEWS) {
      const label = `${entry[0]}-${view.name}`;
      if (!only.test(label)) continue;
      const troubles = await shoot(browser, base, view, entry, axe).catch((error) => [
        String(error).split("\n")[0],
      ]);
      failed += troubles.length;
      for (const trouble of troubles) console.log(`${label}: ${trouble}`);
    }
  }
  await browser.close();
  server.close();
  console.log(failed === 0 ? `shots: ok, in ${out}` : `shots: ${failed} troubles, pictures in ${out}`);
  process.exitCode = failed === 0 ? 0 : 1;
}

await main();
