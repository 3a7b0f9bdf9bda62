import type { Paging, Signal } from "./api";
import { API, request, withQuery } from "./http";
import type { AuditEntry, Invitation, InvitationPreview, Member, Page, Role, Tenant, Usage } from "./types";

const seg = encodeURIComponent;

export type AuditFilter = {
  /** Id or name. */
  actor?: string | undefined;
  /** `token`: everything done to tokens; `token.created`: only that. */
  action?: string | undefined;
  subject?: string | undefined;
  since?: string | undefined;
  until?: string | undefined;
};

/** The tenant one is in: its people, its plan, its log. */
export const tenancy = {
  current: (signal?: Signal) => request<Tenant>("/tenants/current", { signal }),
  create: (json: { slug: string; name?: string | undefined }) =>
    request<Tenant>("/tenants", { method: "POST", json }),
  rename: (name: string) => request<Tenant>("/tenants/current", { method: "PATCH", json: { name } }),
  setDiscovery: (discovery: boolean) =>
    request<Tenant>("/tenants/current", { method: "PATCH", json: { discovery } }),
  delete: (confirm: string) => request<Tenant>("/tenants/current", { method: "DELETE", json: { confirm } }),
  restore: () => request<Tenant>("/tenants/current/restore", { method: "POST" }),
  transfer: (user_id: string) =>
    request<Tenant>("/tenants/current/transfer", { method: "POST", json: { user_id } }),
  leave: () => request<void>("/tenants/current/leave", { method: "POST" }),
  usage: (signal?: Signal) => request<Usage>("/usage", { signal }),

  members: (paging: Paging, signal?: Signal) => request<Page<Member>>("/members", { query: paging, signal }),
  setRole: (user_id: string, role: Role) =>
    request<Member>(`/members/${seg(user_id)}`, { method: "PATCH", json: { role } }),
  removeMember: (user_id: string) => request<void>(`/members/${seg(user_id)}`, { method: "DELETE" }),

  invitations: (paging: Paging, signal?: Signal) =>
    request<Page<Invitation>>("/invitations", { query: paging, signal }),
  invite: (json: { email: string; role: Role }) =>
    request<Invitation>("/invitations", { method: "POST", json }),
  withdraw: (id: string) => request<void>(`/invitations/${seg(id)}`, { method: "DELETE" }),
  resend: (id: string) => request<Invitation>(`/invitations/${seg(id)}/resend`, { method: "POST" }),
  preview: (token: string, signal?: Signal) =>
    request<InvitationPreview>("/invitations/preview", { method: "POST", json: { token }, signal }),
  accept: (token: string) => request<Tenant>("/invitations/accept", { method: "POST", json: { token } }),

  audit: (filter: AuditFilter, paging: Paging, signal?: Signal) =>
    request<Page<AuditEntry>>("/audit-log", { query: { ...filter, ...paging }, signal }),
};

/** Addresses of downloads: the browser saves them itself, with the session's cookie. */
export const tenantExport = `${API}/tenants/current/export`;
export const auditExport = (filter: AuditFilter, format: "csv" | "ndjson") =>
  withQuery(`${API}/audit-log/export`, { ...filter, format });
