import { request } from "./http";

/** What links in notifications lead to. Whoever has the link may do it, without signing in. */
export const messageLinks = {
  acknowledge: (token: string) =>
    request<void>("/incidents/acknowledge-by-link", { method: "POST", json: { token } }),
  verifyChannel: (token: string) => request<void>("/channels/verify", { method: "POST", json: { token } }),
  unsubscribe: (token: string) =>
    request<void>("/channels/unsubscribe", { method: "POST", query: { token } }),
};
