import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { FromStream, ToStream } from "../src/data/stream";

/** The shared worker as a tab sees it: what the tab posts, and a way to answer. */
class Worker {
  static made: Worker[] = [];
  posted: ToStream[] = [];
  port = {
    onmessage: null as ((event: { data: FromStream }) => void) | null,
    start: () => undefined,
    postMessage: (message: ToStream) => this.posted.push(message),
  };
  constructor() {
    Worker.made.push(this);
  }
  say(message: FromStream) {
    this.port.onmessage?.({ data: message });
  }
}

const START = Date.UTC(2026, 0, 31);
const beat: FromStream = { kind: "beat", boxNowMs: START, followed: ["env_1"] };
const onPage = new Map<string, (event: { persisted: boolean }) => void>();

async function aTab() {
  vi.resetModules();
  const live = await import("../src/data/live");
  const clock = await import("../src/data/clock");
  live.watch("env_1");
  return { ...live, ...clock, worker: Worker.made.at(-1) as Worker };
}

beforeEach(() => {
  vi.useFakeTimers({ now: START });
  Worker.made = [];
  onPage.clear();
  vi.stubGlobal("SharedWorker", Worker);
  vi.stubGlobal("document", { hidden: false, addEventListener: () => undefined });
  vi.stubGlobal("addEventListener", (name: string, listener: (event: { persisted: boolean }) => void) =>
    onPage.set(name, listener),
  );
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

describe("how fresh a page is", () => {
  it("is being connected until the first sign of life, then live", async () => {
    const tab = await aTab();
    expect(tab.live.value).toBe("connecting");

    tab.worker.say(beat);

    expect(tab.live.value).toBe("live");
  });

  it("goes stale after 20 s of silence, and says from when it is", async () => {
    const tab = await aTab();
    tab.worker.say(beat);

    vi.advanceTimersByTime(19_000);
    expect(tab.live.value).toBe("live");
    vi.advanceTimersByTime(2_000);

    expect(tab.live.value).toBe("stale");
    expect(tab.silentMs.value).toBe(21_000);
    expect(tab.freshAtMs.value).toBe(START);
  });

  it("is stale, too, when the box never answered", async () => {
    const tab = await aTab();

    vi.advanceTimersByTime(21_000);

    expect(tab.live.value).toBe("stale");
  });

  it("of a tab that joins late begins with what the worker heard last", async () => {
    const tab = await aTab();

    tab.worker.say({ kind: "state", followed: ["env_1"], silentMs: 15_000 });
    expect(tab.live.value).toBe("live");
    vi.advanceTimersByTime(6_000);

    expect(tab.live.value).toBe("stale");
  });

  it("is not told by a worker that only says how it is", async () => {
    const tab = await aTab();
    tab.worker.say(beat);
    vi.advanceTimersByTime(21_000);

    tab.worker.say({ kind: "state", followed: ["env_1"], silentMs: 0 });

    expect(tab.live.value).toBe("stale");
  });

  it("is off where no environment is shown", async () => {
    const tab = await aTab();

    tab.watch(null);

    expect(tab.live.value).toBe("off");
  });
});

describe("the stream of a tab", () => {
  it("brings news to who listens, as long as they do", async () => {
    const tab = await aTab();
    const heard: string[] = [];
    const stop = tab.onNews((news) => heard.push(news.environmentId));
    const news = { environmentId: "env_1", runs: [], isGap: false, tasksChanged: false, tracesOf: [], presence: null };

    tab.worker.say({ kind: "news", news });
    stop();
    tab.worker.say({ kind: "news", news });

    expect(heard).toEqual(["env_1"]);
  });

  it("has pages read again once it is back, and only then", async () => {
    const tab = await aTab();
    tab.worker.say(beat);
    const back = vi.fn();
    tab.onFollowed(back);
    tab.worker.say(beat);
    tab.worker.say(beat);
    expect(back).not.toHaveBeenCalled();

    vi.advanceTimersByTime(30_000);
    tab.worker.say(beat);

    expect(back).toHaveBeenCalledOnce();
    expect(tab.live.value).toBe("live");
  });

  it("has pages read again as soon as it follows what they show: they may have missed something", async () => {
    const tab = await aTab();
    const begun = vi.fn();
    tab.onFollowed(begun);
    tab.worker.say({ kind: "state", followed: [], silentMs: null });
    tab.worker.say({ kind: "beat", boxNowMs: START, followed: ["env_0"] });
    expect(begun).not.toHaveBeenCalled();

    tab.worker.say(beat);
    expect(begun).toHaveBeenCalledOnce();
    tab.watch("env_2");
    tab.worker.say(beat);
    expect(begun).toHaveBeenCalledOnce();
    tab.worker.say({ kind: "state", followed: ["env_1", "env_2"], silentMs: 3 });

    expect(begun).toHaveBeenCalledTimes(2);
  });

  it("has a page read again that the browser had put aside", async () => {
    const tab = await aTab();
    tab.worker.say(beat);
    const begun = vi.fn();
    tab.onFollowed(begun);

    onPage.get("pageshow")?.({ persisted: false });
    tab.worker.say(beat);
    expect(begun).not.toHaveBeenCalled();
    onPage.get("pageshow")?.({ persisted: true });
    tab.worker.say(beat);

    expect(begun).toHaveBeenCalledOnce();
  });

  it("learns how far the box's clock is ahead", async () => {
    const tab = await aTab();

    tab.worker.say({ kind: "beat", boxNowMs: START + 90_000, followed: ["env_1"] });

    expect(tab.boxNow()).toBe(START + 90_000);
  });

  it("says again what it watches, so that a worker that forgot it knows it again", async () => {
    const tab = await aTab();
    const stop = tab.watchTrace("run_1", "t1");
    tab.worker.posted = [];

    vi.advanceTimersByTime(20_000);
    expect(tab.worker.posted).toEqual([{ kind: "watch", environmentId: "env_1", trace: "run_1:t1" }]);
    stop();

    expect(tab.worker.posted.at(-1)).toEqual({ kind: "watch", environmentId: "env_1", trace: null });
  });

  it("takes leave when the page goes, and is there again when it comes back", async () => {
    const tab = await aTab();
    tab.worker.posted = [];

    onPage.get("pagehide")?.({ persisted: true });
    onPage.get("pageshow")?.({ persisted: true });

    expect(tab.worker.posted.map((message) => message.kind)).toEqual(["leave", "watch"]);
  });
});
