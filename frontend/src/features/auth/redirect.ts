/** Only addresses on this site: a crafted link must not send people elsewhere after they signed in. */
export function safeRedirect(target: string | undefined): string {
  if (!target) return "/jobs";
  try {
    const url = new URL(target, window.location.origin);
    const inside = url.origin === window.location.origin && target.startsWith("/");
    return inside ? url.pathname + url.search + url.hash : "/jobs";
  } catch {
    return "/jobs";
  }
}
