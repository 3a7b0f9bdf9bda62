import type { QueryClient } from "@tanstack/react-query";
import { useSyncExternalStore } from "react";
import { API } from "@/client/http";
import { TOPICS, type Topic } from "@/client/types";

export type LiveState = "connecting" | "live" | "reconnecting";

type Source = Pick<EventSource, "addEventListener" | "close"> & { readonly readyState: number };
export type SourceFactory = (url: string) => Source;

/** Events arrive in bursts (a batch of check-ins); one refetch serves them all. */
const GATHER_MS = 250;
const FIRST_RETRY_MS = 1000;
const LAST_RETRY_MS = 30_000;

/**
 * The console's one event stream. An event is a hint to refetch, never data. EventSource reconnects by
 * itself only after a broken stream, not after an HTTP error, so reconnecting is done here for both.
 */
export class LiveStream {
  private state: LiveState = "connecting";
  private source: Source | undefined;
  private attempts = 0;
  private retry: ReturnType<typeof setTimeout> | undefined;
  private flush: ReturnType<typeof setTimeout> | undefined;
  private readonly pending = new Set<Topic>();
  private readonly listeners = new Set<() => void>();

  constructor(
    private readonly queries: QueryClient,
    private readonly open: SourceFactory = (url) => new EventSource(url),
  ) {}

  start(): void {
    if (this.source || this.retry) return;
    this.connect();
  }

  stop(): void {
    clearTimeout(this.retry);
    clearTimeout(this.flush);
    this.retry = undefined;
    this.flush = undefined;
    this.pending.clear();
    this.source?.close();
    this.source = undefined;
    this.attempts = 0;
    this.set("connecting");
  }

  getState = (): LiveState => this.state;

  subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  private connect(): void {
    this.retry = undefined;
    const source = this.open(`${API}/events`);
    this.source = source;
    source.addEventListener("open", () => {
      // What changed while we were away was told to nobody: refetch everything once.
      if (this.attempts > 0) this.invalidate(TOPICS);
      this.attempts = 0;
      this.set("live");
    });
    source.addEventListener("change", (event) => {
      this.invalidate(readTopics((event as MessageEvent<string>).data));
    });
    source.addEventListener("error", () => this.lost(source));
  }

  private lost(source: Source): void {
    if (source !== this.source) return;
    source.close();
    this.source = undefined;
    this.attempts += 1;
    this.set("reconnecting");
    // A proxy may block streams and nothing else: each failed attempt doubles as a slow poll.
    if (this.attempts > 1) this.invalidate(TOPICS);
    const delay = Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** (this.attempts - 1));
    this.retry = setTimeout(() => this.connect(), delay * (0.75 + Math.random() / 2));
  }

  private invalidate(topics: readonly Topic[]): void {
    for (const topic of topics) this.pending.add(topic);
    this.flush ??= setTimeout(() => {
      this.flush = undefined;
      const gathered = [...this.pending];
      this.pending.clear();
      for (const topic of gathered) void this.queries.invalidateQueries({ queryKey: [topic] });
    }, GATHER_MS);
  }

  private set(state: LiveState): void {
    if (state === this.state) return;
    this.state = state;
    for (const listener of this.listeners) listener();
  }
}

/** Unknown topics are for newer consoles than this one; an unreadable event means "anything may have changed". */
export function readTopics(data: string): readonly Topic[] {
  try {
    const parsed = JSON.parse(data) as { topics?: unknown };
    if (!Array.isArray(parsed.topics)) return TOPICS;
    return TOPICS.filter((topic) => (parsed.topics as unknown[]).includes(topic));
  } catch {
    return TOPICS;
  }
}

export const useLiveState = (live: LiveStream): LiveState =>
  useSyncExternalStore(live.subscribe, live.getState);
