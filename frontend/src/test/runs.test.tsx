import { screen, waitFor } from "@testing-library/react";
import { expect, it } from "vitest";
import { usualWorld } from "@/mocks/world";
import { job, renderApp } from "./render-app";

const decoded = (href: string) => decodeURIComponent(href);

it("filters runs by labels, all of them, and takes them away again", async () => {
  const { user, at } = renderApp("/runs", usualWorld());
  const field = await screen.findByRole("textbox", { name: "Label" });
  await screen.findAllByRole("link", { name: job("finance/ledger-export") });
  await user.type(field, "team=finance{Enter}");
  await waitFor(() => expect(decoded(at())).toBe('/runs?label=["team=finance"]'));
  await screen.findAllByRole("link", { name: job("finance/invoice-mailer") });
  await waitFor(() =>
    expect(screen.queryByRole("link", { name: job("production/nightly-backup") })).toBeNull(),
  );
  await user.type(field, "tier=gold{Enter}");
  await waitFor(() => expect(screen.queryByRole("link", { name: job("finance/ledger-export") })).toBeNull());
  expect(screen.getAllByRole("link", { name: job("finance/invoice-mailer") }).length).toBeGreaterThan(2);
  await user.click(screen.getByRole("button", { name: "Remove filter: Label: team=finance" }));
  await waitFor(() => expect(decoded(at())).toBe('/runs?label=["tier=gold"]'));
});

it("says that no run fits a label, and clears it", async () => {
  const { user, at } = renderApp("/runs?label=team%3Dnobody&label=tier%3Dgold", usualWorld());
  expect(await screen.findByText("No run of a job labelled team=nobody and tier=gold fits.")).toBeVisible();
  await user.click(screen.getByRole("button", { name: "Clear filters" }));
  expect((await screen.findAllByRole("link", { name: job("finance/ledger-export") })).length).toBeGreaterThan(
    0,
  );
  expect(at()).toBe("/runs");
});

it("refuses what is not a label", async () => {
  const { user, at } = renderApp("/runs", usualWorld());
  const field = await screen.findByRole("textbox", { name: "Label" });
  await user.type(field, "finance{Enter}");
  expect(await screen.findByRole("alert")).toHaveTextContent("“finance” is not a label. Write key=value.");
  expect(field).toBeInvalid();
  expect(at()).toBe("/runs");
});
