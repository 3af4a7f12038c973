/** Whether a dev process is connected to the environment that is shown. Pages that know set it, news changes it. */

import { signal } from "@preact/signals";
import { onNews } from "./live";
import type { Presence } from "./types";

export const presence = signal<Presence | null>(null);

onNews((news) => {
  if (news.presence) presence.value = news.presence;
});
