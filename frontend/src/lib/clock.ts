/** One clock and one tick for the whole console. */

let offsetMs = 0;

/** Follows the server's `Date` header. It has whole seconds, so small differences are noise, not skew. */
export function noteServerDate(date: string): void {
  const difference = Date.parse(date) - Date.now();
  if (Number.isFinite(difference)) offsetMs = Math.abs(difference) > 3000 ? difference : 0;
}

export const now = (): number => Date.now() + offsetMs;

const listeners = new Set<() => void>();
let timer: ReturnType<typeof setInterval> | undefined;

/** Calls back once a second while anybody listens. A hidden page gets throttled by the browser itself. */
export function onTick(listener: () => void): () => void {
  listeners.add(listener);
  timer ??= setInterval(() => {
    for (const each of listeners) each();
  }, 1000);
  return () => {
    listeners.delete(listener);
    if (listeners.size === 0) {
      clearInterval(timer);
      timer = undefined;
    }
  };
}
