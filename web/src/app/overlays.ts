/** What lies above the page: at most one of palette and help. */

import { signal } from "@preact/signals";

export const overlay = signal<"palette" | "help" | null>(null);

export function openPalette(): void {
  overlay.value = "palette";
}

export function openHelp(): void {
  overlay.value = "help";
}

export function closeOverlay(): void {
  overlay.value = null;
}
