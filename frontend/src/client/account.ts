import type { Paging, Signal } from "./api";
import { request } from "./http";
import type { Activity, AuthOptions, Page, RecoveryCodes, Session, SignIn, Totp, TotpSecret } from "./types";

const post = <T = void>(path: string, json?: unknown) => request<T>(path, { method: "POST", json });

/** What people do with their own account, and how they get into it. */
export const account = {
  options: (signal?: Signal) => request<AuthOptions>("/auth/options", { signal }),
  verifyEmail: (token: string) => post("/auth/verify-email", { token }),
  /** The answer never says whether there is such an account. */
  resendVerification: (email: string) => post<unknown>("/auth/verify-email/resend", { email }),
  forgotPassword: (email: string) => post<unknown>("/auth/password/forgot", { email }),
  resetPassword: (json: { token: string; password: string }) => post("/auth/password/reset", json),
  confirmEmail: (token: string) => post("/auth/email/confirm", { token }),

  changePassword: (json: { current: string; new: string }) => post("/auth/password", json),
  changeEmail: (json: { email: string; password: string }) => post<unknown>("/auth/email", json),

  signIns: (paging: Paging, signal?: Signal) =>
    request<Page<SignIn>>("/auth/sessions", { query: paging, signal }),
  endSignIn: (id: string) => request<void>(`/auth/sessions/${encodeURIComponent(id)}`, { method: "DELETE" }),
  endOtherSignIns: () => request<void>("/auth/sessions", { method: "DELETE" }),

  totp: (signal?: Signal) => request<Totp>("/auth/totp", { signal }),
  startTotp: (password: string) => post<TotpSecret>("/auth/totp", { password }),
  confirmTotp: (code: string) => post<RecoveryCodes>("/auth/totp/confirm", { code }),
  disableTotp: (json: { password: string; code: string }) =>
    request<void>("/auth/totp", { method: "DELETE", json }),
  renewRecoveryCodes: (json: { password: string; code: string }) =>
    post<RecoveryCodes>("/auth/totp/recovery-codes", json),

  activity: (paging: Paging, signal?: Signal) =>
    request<Page<Activity>>("/auth/activity", { query: paging, signal }),
  /** Ends the session here and opens one in another of one's tenants. */
  switchTenant: (tenant: string) => post<Session>("/auth/switch", { tenant }),
};
