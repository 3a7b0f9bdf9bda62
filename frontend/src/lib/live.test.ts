import { QueryClient } from "@tanstack/react-query";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { FakeSource } from "@/test/fake-source";
import { LiveStream, readTopics } from "./live";

let queries: QueryClient;
let live: LiveStream;
let refetched: unknown[];

beforeEach(() => {
  vi.useFakeTimers();
  FakeSource.all = [];
  queries = new QueryClient();
  refetched = [];
  vi.spyOn(queries, "invalidateQueries").mockImplementation(async (filters) => {
    refetched.push(filters?.queryKey?.[0]);
  });
  live = new LiveStream(queries, (url) => new FakeSource(url) as unknown as EventSource);
});
afterEach(() => {
  live.stop();
  vi.useRealTimers();
});

describe("LiveStream", () => {
  it("refetches what an event names, once for a burst", () => {
    live.start();
    FakeSource.last.open();
    FakeSource.last.change("jobs");
    FakeSource.last.change("jobs", "runs");
    vi.advanceTimersByTime(1000);
    expect(refetched).toEqual(["jobs", "runs"]);
  });

  it("says that it is reconnecting, comes back, and then refetches everything", () => {
    live.start();
    FakeSource.last.open();
    expect(live.getState()).toBe("live");
    const broken = FakeSource.last;
    broken.fail();
    expect(live.getState()).toBe("reconnecting");
    expect(broken.closed).toBe(true);
    vi.advanceTimersByTime(2000);
    expect(FakeSource.last).not.toBe(broken);
    FakeSource.last.open();
    expect(live.getState()).toBe("live");
    vi.advanceTimersByTime(1000);
    expect(refetched).toEqual(["jobs", "runs", "incidents", "endpoints"]);
  });

  it("waits longer each time, at most half a minute and a bit", () => {
    vi.spyOn(Math, "random").mockReturnValue(0.5);
    live.start();
    const waits: number[] = [];
    for (let attempt = 0; attempt < 8; attempt += 1) {
      const before = FakeSource.all.length;
      FakeSource.last.fail();
      let waited = 0;
      while (FakeSource.all.length === before) {
        vi.advanceTimersByTime(500);
        waited += 500;
      }
      waits.push(waited);
    }
    expect(waits).toEqual([1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000]);
  });

  it("opens nothing after it was stopped", () => {
    live.start();
    FakeSource.last.fail();
    live.stop();
    vi.advanceTimersByTime(60_000);
    expect(FakeSource.all).toHaveLength(1);
  });
});

describe("readTopics", () => {
  it("drops topics of newer servers and takes the unreadable as everything", () => {
    expect(readTopics('{"topics":["runs","quotas"]}')).toEqual(["runs"]);
    expect(readTopics("{")).toHaveLength(4);
    expect(readTopics("{}")).toHaveLength(4);
  });
});
