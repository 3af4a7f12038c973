/** What happened, in one line, for a few seconds. */

import { signal } from "@preact/signals";

export interface Toast {
  id: number;
  tone: "ok" | "bad";
  text: string;
  link: { label: string; href: string } | null;
}

const SHOWN_MS = 6000;
const TOASTS_MAX = 4;
let last = 0;

export const toasts = signal<Toast[]>([]);

export function dismiss(id: number): void {
  toasts.value = toasts.value.filter((toast) => toast.id !== id);
}

export function say(tone: Toast["tone"], text: string, link: Toast["link"] = null): void {
  last += 1;
  const id = last;
  toasts.value = [...toasts.value, { id, tone, text, link }].slice(-TOASTS_MAX);
  setTimeout(() => dismiss(id), SHOWN_MS);
}
