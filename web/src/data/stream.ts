/** The event stream itself: opens it for the environments that are watched, heals it, and says how it is. */

import type { News } from "./types";

export type ToStream = { kind: "watch"; environmentId: string | null } | { kind: "leave" } | { kind: "here" };

export type FromStream =
  | { kind: "news"; news: News }
  | { kind: "beat"; atMs: number; behindMs: number }
  | { kind: "state"; isOpen: boolean; heardAtMs: number | null; behindMs: number };

export interface Stream {
  watch: (environmentIds: string[]) => void;
  state: () => FromStream;
  close: () => void;
}

const PAUSE_MS_MIN = 500;
const PAUSE_MS_MAX = 15_000;

/** The pause before the n-th try, growing, with jitter so that many tabs do not knock together. */
export function pauseMs(tries: number, randomUnit: number): number {
  const full = Math.min(PAUSE_MS_MAX, PAUSE_MS_MIN * 2 ** tries);
  return full / 2 + (full / 2) * randomUnit;
}

export function createStream(tell: (message: FromStream) => void): Stream {
  let source: EventSource | null = null;
  let wanted = "";
  let after: string | null = null;
  let tries = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let isOpen = false;
  let heardAtMs: number | null = null;
  let behindMs = 0;

  const state = (): FromStream => ({ kind: "state", isOpen, heardAtMs, behindMs });

  function open(): void {
    source?.close();
    source = null;
    clearTimeout(timer);
    if (!wanted) return;
    const search = new URLSearchParams({ environments: wanted });
    if (after) search.set("after", after);
    const own = new EventSource(`/dashboard/api/live?${search}`);
    source = own;
    own.onopen = () => {
      tries = 0;
      isOpen = true;
      heardAtMs = Date.now();
      tell(state());
    };
    own.addEventListener("news", (event) => {
      heardAtMs = Date.now();
      after = event.lastEventId || after;
      tell({ kind: "news", news: JSON.parse(event.data) as News });
    });
    own.addEventListener("beat", (event) => {
      heardAtMs = Date.now();
      after = event.lastEventId || after;
      behindMs = (JSON.parse(event.data) as { behindMs: number }).behindMs;
      tell({ kind: "beat", atMs: heardAtMs, behindMs });
    });
    own.onerror = () => {
      own.close();
      isOpen = false;
      tell(state());
      timer = setTimeout(open, pauseMs(tries, Math.random()));
      tries += 1;
    };
  }

  return {
    state,
    watch(environmentIds) {
      const next = [...environmentIds].sort().join(",");
      if (next === wanted) return;
      wanted = next;
      // What another environment said last is no place to go on from.
      after = null;
      tries = 0;
      open();
    },
    close() {
      wanted = "";
      open();
    },
  };
}
