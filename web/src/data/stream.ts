/** The event stream itself: opens it for the environments that are watched, heals it, and says how it is. */

import type { News } from "./types";

/** What a tab shows: an environment, and perhaps one run whose spans it follows (`run_…:trace id`). */
export interface Watched {
  environmentId: string | null;
  trace: string | null;
}

export type ToStream = ({ kind: "watch" } & Watched) | { kind: "leave" };

export type FromStream =
  | { kind: "news"; news: News }
  | { kind: "beat"; boxNowMs: number; followed: string[] }
  /** `followed`: the environments whose changes arrive from now on; none while the stream is not open. */
  | { kind: "state"; followed: string[]; silentMs: number | null };

export interface Stream {
  watch: (watched: Watched[]) => void;
  state: () => FromStream;
  close: () => void;
}

const listed = (values: (string | null)[]) => [...new Set(values.filter((value) => value !== null))].sort().join(",");

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
  let environments = "";
  let after: string | null = null;
  let tries = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;
  // The box listens before it says its first word: from then on nothing falls in between.
  let followed: string[] = [];
  let heardAtMs: number | null = null;

  const state = (): FromStream => ({
    kind: "state",
    followed,
    silentMs: heardAtMs === null ? null : Date.now() - heardAtMs,
  });

  function open(): void {
    source?.close();
    source = null;
    clearTimeout(timer);
    followed = [];
    if (!wanted) return;
    const search = new URLSearchParams(wanted);
    if (after) search.set("after", after);
    const own = new EventSource(`/dashboard/api/live?${search}`);
    source = own;
    const heard = (lastEventId: string) => {
      tries = 0;
      heardAtMs = Date.now();
      after = lastEventId || after;
      followed = environments.split(",");
    };
    own.addEventListener("news", (event) => {
      heard(event.lastEventId);
      tell({ kind: "news", news: JSON.parse(event.data) as News });
    });
    own.addEventListener("beat", (event) => {
      heard(event.lastEventId);
      tell({ kind: "beat", boxNowMs: (JSON.parse(event.data) as { nowMs: number }).nowMs, followed });
    });
    own.onerror = () => {
      own.close();
      followed = [];
      tell(state());
      timer = setTimeout(open, pauseMs(tries, Math.random()));
      tries += 1;
    };
  }

  return {
    state,
    watch(watched) {
      const next = listed(watched.map((tab) => tab.environmentId));
      const traces = listed(watched.map((tab) => tab.trace));
      const search = next ? new URLSearchParams({ environments: next, ...(traces ? { traces } : {}) }).toString() : "";
      if (search === wanted) return;
      wanted = search;
      // The place to go on from holds for the whole box, so a tab that stays misses nothing when others come and go.
      if (!next) after = null;
      environments = next;
      tries = 0;
      open();
    },
    close() {
      wanted = "";
      environments = "";
      open();
    },
  };
}
