/** The shared worker: one live stream per browser, told on to every tab (six connections per host are the HTTP/1.1 limit). */

import { createStream, type FromStream, type ToStream, type Watched } from "./stream";

/** What we need of the worker's global scope; the library types of workers and pages exclude each other. */
declare const self: { onconnect: ((event: MessageEvent) => void) | null };

const NOTHING: Watched = { environmentId: null, trace: null };
const ports = new Map<MessagePort, Watched>();
// A closed tab says nothing: one that was silent for this long is forgotten. Browsers let hidden tabs speak once a minute.
const PORT_SILENCE_MS = 150_000;
const heard = new Map<MessagePort, number>();

const stream = createStream((message: FromStream) => {
  const now = Date.now();
  for (const [port, { environmentId }] of ports) {
    if (now - (heard.get(port) ?? 0) > PORT_SILENCE_MS) {
      ports.delete(port);
      heard.delete(port);
      continue;
    }
    if (message.kind === "news" && message.news.environmentId !== environmentId) continue;
    port.postMessage(message);
  }
  stream.watch(watched());
});

function watched(): Watched[] {
  return [...ports.values()];
}

self.onconnect = (event) => {
  const port = event.ports[0];
  if (!port) return;
  ports.set(port, NOTHING);
  heard.set(port, Date.now());
  port.onmessage = (message: MessageEvent<ToStream>) => {
    heard.set(port, Date.now());
    if (message.data.kind === "watch") ports.set(port, message.data);
    else {
      ports.delete(port);
      heard.delete(port);
    }
    stream.watch(watched());
    // After that: the state says whether this tab is followed already, or has to wait for the first beat.
    if (message.data.kind === "watch") port.postMessage(stream.state());
  };
};
