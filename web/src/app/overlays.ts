/** What lies above the page: at most one of palette and help. */

import { signal } from "@preact/signals";

export const overlay = signal<"palette" | "help" | null>(null);

export function openPalette(): void {
  overlay.value = "palette";
}

export function openHelp(): void {
  overlay.value = "help";
}

/** A dialog tells that it has closed a moment later; the other one may be open by then. */
export function closeOverlay(which?: "palette" | "help"): void {
  if (which === undefined || overlay.peek() === which) overlay.value = null;
}
