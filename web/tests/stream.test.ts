import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createStream, type FromStream, pauseMs, type Stream } from "../src/data/stream";

/** What a browser's EventSource does, driven by hand. */
class Source {
  static opened: Source[] = [];
  onerror: (() => void) | null = null;
  isClosed = false;
  private readonly heard = new Map<string, (event: { data: string; lastEventId: string }) => void>();
  constructor(readonly url: string) {
    Source.opened.push(this);
  }
  addEventListener(name: string, listener: (event: { data: string; lastEventId: string }) => void) {
    this.heard.set(name, listener);
  }
  close() {
    this.isClosed = true;
  }
  say(name: string, data: object, lastEventId = "") {
    this.heard.get(name)?.({ data: JSON.stringify(data), lastEventId });
  }
  get asked() {
    return Object.fromEntries(new URLSearchParams(this.url.split("?")[1]));
  }
}

const last = () => Source.opened.at(-1) as Source;
const tab = (environmentId: string | null, trace: string | null = null) => ({ environmentId, trace });

let told: FromStream[];
let stream: Stream;

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("EventSource", Source);
  Source.opened = [];
  told = [];
  stream = createStream((message) => told.push(message));
});

afterEach(() => {
  stream.close();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

describe("the live stream", () => {
  it("asks once for what all tabs together look at", () => {
    stream.watch([tab("env_2"), tab("env_1", "run_1:t1"), tab("env_2"), tab(null)]);

    expect(Source.opened).toHaveLength(1);
    expect(last().asked).toEqual({ environments: "env_1,env_2", traces: "run_1:t1" });
  });

  it("stays as it is when nothing else is asked", () => {
    stream.watch([tab("env_1")]);
    stream.watch([tab("env_1"), tab("env_1")]);

    expect(Source.opened).toHaveLength(1);
  });

  it("closes when nobody looks any more", () => {
    stream.watch([tab("env_1")]);
    stream.watch([]);

    expect(last().isClosed).toBe(true);
    expect(Source.opened).toHaveLength(1);
  });

  it("tells news, beats and how it is", () => {
    stream.watch([tab("env_1"), tab("env_2")]);
    expect(stream.state()).toEqual({ kind: "state", followed: [], silentMs: null });
    vi.advanceTimersByTime(700);
    last().say("beat", { nowMs: 5 });
    last().say("news", { environmentId: "env_1" });

    expect(told.map((message) => message.kind)).toEqual(["beat", "news"]);
    expect(told[0]).toEqual({ kind: "beat", boxNowMs: 5, followed: ["env_1", "env_2"] });
    expect(stream.state()).toEqual({ kind: "state", followed: ["env_1", "env_2"], silentMs: 0 });
    vi.advanceTimersByTime(300);
    expect(stream.state()).toMatchObject({ silentMs: 300 });
  });

  it("follows nothing while it opens anew, until the box has said something", () => {
    stream.watch([tab("env_1")]);
    last().say("beat", { nowMs: 1 });

    stream.watch([tab("env_2")]);
    expect(stream.state()).toMatchObject({ followed: [] });
    last().say("beat", { nowMs: 1 });

    expect(stream.state()).toMatchObject({ followed: ["env_2"] });
  });

  it("goes on after the last thing it heard when it was cut", () => {
    stream.watch([tab("env_1")]);
    last().say("news", {}, "41");
    last().say("beat", { nowMs: 1 }, "42");
    last().onerror?.();
    expect(told.at(-1)).toMatchObject({ kind: "state", followed: [] });
    vi.advanceTimersByTime(500);

    expect(Source.opened).toHaveLength(2);
    expect(last().asked).toEqual({ environments: "env_1", after: "42" });
  });

  it("goes on from there when traces and environments come and go, but not when nobody looked in between", () => {
    stream.watch([tab("env_1")]);
    last().say("news", {}, "41");

    stream.watch([tab("env_1", "run_1:t1")]);
    expect(last().asked.after).toBe("41");
    stream.watch([tab("env_1"), tab("env_2")]);
    expect(last().asked.after).toBe("41");
    stream.watch([]);
    stream.watch([tab("env_2")]);
    expect(last().asked.after).toBeUndefined();
  });

  it("knocks less and less often at a box that is away, and soon again after it was back", () => {
    stream.watch([tab("env_1")]);
    for (let tries = 0; tries < 8; tries += 1) {
      last().onerror?.();
      vi.advanceTimersByTime(15_000);
    }
    expect(Source.opened).toHaveLength(9);

    last().onerror?.();
    vi.advanceTimersByTime(7_000);
    expect(Source.opened).toHaveLength(9);
    vi.advanceTimersByTime(8_000);
    last().say("beat", { nowMs: 1 });
    last().onerror?.();
    vi.advanceTimersByTime(500);
    expect(Source.opened).toHaveLength(11);
  });

  it("does not come back after it was closed", () => {
    stream.watch([tab("env_1")]);
    last().onerror?.();
    stream.close();
    vi.advanceTimersByTime(60_000);

    expect(Source.opened).toHaveLength(1);
  });
});

describe("the pause before the next try", () => {
  it("doubles up to a bound, and is never the same for all tabs", () => {
    expect(pauseMs(0, 0)).toBe(250);
    expect(pauseMs(0, 0.999)).toBeLessThan(500);
    expect(pauseMs(2, 0)).toBe(1_000);
    expect(pauseMs(50, 0)).toBe(7_500);
    expect(pauseMs(50, 1)).toBe(15_000);
  });
});
