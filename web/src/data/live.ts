/**
 * Live news for the tab: through the shared worker where there is one, else by a stream of its own.
 * `live` says how fresh the page is; after 20 s of silence it is not live.
 */

import { computed, signal } from "@preact/signals";
import { now, skewMs } from "./clock";
import { createStream, type FromStream, type ToStream } from "./stream";
import type { News } from "./types";

export const SILENCE_MS = 20_000;
export const BANNER_MS = 60_000;
const HERE_MS = 20_000;

const heardAtMs = signal<number | null>(null);
const openedAtMs = signal<number>(Date.now());
const watching = signal<string | null>(null);
/** The stream covers what this tab shows: what changes from now on arrives. */
let isFollowed = false;
let trace: string | null = null;

/** How long the stream has been silent, in ms. */
export const silentMs = computed(() => Math.max(0, now.value - (heardAtMs.value ?? openedAtMs.value)));

export const live = computed<"off" | "connecting" | "live" | "stale">(() => {
  if (watching.value === null) return "off";
  if (silentMs.value >= SILENCE_MS) return "stale";
  return heardAtMs.value === null ? "connecting" : "live";
});

/** The instant of the last sign of life: what the page shows is from then. */
export const freshAtMs = computed(() => heardAtMs.value);

type Listener = (news: News) => void;
const listeners = new Set<Listener>();
const waiting = new Set<() => void>();

/** Instants of the worker's clock are not ours: only its lengths of time are used. */
function hear(message: FromStream): void {
  const wasSilent = heardAtMs.value !== null && Date.now() - heardAtMs.value >= SILENCE_MS;
  if (message.kind !== "state") {
    heardAtMs.value = Date.now();
  } else if (heardAtMs.value === null && message.silentMs !== null) {
    // For a tab that joins; after that the beats themselves say how it is.
    heardAtMs.value = Date.now() - message.silentMs;
  }
  if (message.kind === "beat") skewMs.value = message.boxNowMs - Date.now();
  if (message.kind === "news") for (const listener of listeners) listener(message.news);
  const isFirst = !isFollowed && message.kind !== "news" && message.followed.some((id) => id === watching.value);
  if (isFirst) isFollowed = true;
  if (isFirst || (wasSilent && message.kind !== "state")) for (const listener of waiting) listener();
}

let send: ((message: ToStream) => void) | null = null;

function connect(): (message: ToStream) => void {
  if (typeof SharedWorker === "function") {
    try {
      const worker = new SharedWorker(new URL("./live.worker.ts", import.meta.url), { type: "module", name: "live" });
      worker.port.onmessage = (event: MessageEvent<FromStream>) => hear(event.data);
      worker.port.start();
      const post = (message: ToStream) => worker.port.postMessage(message);
      const postAgain = () => post({ kind: "watch", environmentId: watching.peek(), trace });
      // Said again and again: the worker forgets a tab that says nothing, and a slept tab comes back this way.
      setInterval(postAgain, HERE_MS);
      addEventListener("pagehide", () => post({ kind: "leave" }));
      addEventListener("pageshow", (event) => {
        // Kept aside by the browser and shown again: what happened meanwhile was not told.
        if (event.persisted) isFollowed = false;
        postAgain();
      });
      document.addEventListener("visibilitychange", postAgain);
      return post;
    } catch {
      // Private modes may forbid workers: one stream per tab then.
    }
  }
  const stream = createStream(hear);
  return (message) => {
    stream.watch(message.kind === "watch" ? [message] : []);
  };
}

/** Follow an environment from now on (null: none). One at a time: a tab shows one environment. */
export function watch(environmentId: string | null): void {
  if (watching.peek() === environmentId) return;
  if (environmentId === null && send === null) return;
  watching.value = environmentId;
  openedAtMs.value = Date.now();
  heardAtMs.value = null;
  isFollowed = false;
  send ??= connect();
  send({ kind: "watch", environmentId, trace });
}

/** Follow the spans of one run as well, until the returned function is called. */
export function watchTrace(runId: string, traceId: string): () => void {
  trace = `${runId}:${traceId}`;
  send?.({ kind: "watch", environmentId: watching.peek(), trace });
  return () => {
    trace = null;
    send?.({ kind: "watch", environmentId: watching.peek(), trace });
  };
}

/** Listen until the returned function is called. */
export function onNews(listener: Listener): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/**
 * Called when changes arrive from now on, for the first time or again after a silence: what was read before
 * may have missed some.
 */
export function onFollowed(listener: () => void): () => void {
  waiting.add(listener);
  return () => waiting.delete(listener);
}
