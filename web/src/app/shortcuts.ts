/** The one registry of what can be done from the keyboard: it feeds the keys, the help sheet and the palette. */

import { computed, signal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import type { IconName } from "../parts/icon";

export type Group = "Everywhere" | "Go to" | "Lists" | "Run page" | "This page";

export interface Command {
  title: string;
  group: Group;
  /** Chords (`mod+k`, `shift+j`) or sequences (`g r`); the first is the one that is shown. */
  keys: string[];
  icon?: IconName;
  run: () => void;
  /** Offered in the palette as something to do. */
  isInPalette?: boolean;
  /** Works while typing in a field, too (only for chords with `mod` and for `esc`). */
  isForFields?: boolean;
}

const layers = signal<Command[][]>([]);

/** All commands that hold now; later ones win over earlier ones with the same keys. */
export const commands = computed(() => layers.value.flat());

export function register(own: Command[]): () => void {
  layers.value = [...layers.peek(), own];
  return () => {
    layers.value = layers.peek().filter((layer) => layer !== own);
  };
}

/** Register while the component is there. The newest closure of each command runs. */
export function useCommands(own: Command[]): void {
  const latest = useRef(own);
  latest.current = own;
  const shape = own.map((command) => `${command.title}\u0000${command.keys.join()}`).join("\u0001");
  useEffect(
    () => register(own.map((command, index) => ({ ...command, run: () => latest.current[index]?.run() }))),
    [shape],
  );
}

const SEQUENCE_MS = 1000;

/** `mod+shift+k` from an event; letters by what they produce, so that keyboard layouts are respected. */
export function chordOf(event: Pick<KeyboardEvent, "key" | "metaKey" | "ctrlKey" | "altKey" | "shiftKey">): string {
  const names: Record<string, string> = {
    Escape: "esc",
    Enter: "enter",
    ArrowUp: "up",
    ArrowDown: "down",
    ArrowLeft: "left",
    ArrowRight: "right",
    " ": "space",
  };
  const key = names[event.key] ?? (event.key.length === 1 ? event.key.toLowerCase() : event.key);
  const parts = [];
  if (event.metaKey || event.ctrlKey) parts.push("mod");
  if (event.altKey) parts.push("alt");
  // `?` and `/` come with or without Shift, depending on the layout: the character says enough.
  if (event.shiftKey && /^[a-z0-9]$|^.{2,}$/.test(key)) parts.push("shift");
  parts.push(key);
  return parts.join("+");
}

/** Matches one press after another; remembers the first half of a sequence for a second. */
export function createMatcher(nowMs: () => number) {
  let pending: { chord: string; atMs: number } | null = null;
  return (chord: string, known: Command[]): Command | null => {
    const both = pending && nowMs() - pending.atMs <= SEQUENCE_MS ? `${pending.chord} ${chord}` : null;
    pending = null;
    const newest = [...known].reverse();
    const found =
      (both && newest.find((command) => command.keys.includes(both))) ||
      newest.find((command) => command.keys.includes(chord));
    if (found) return found;
    if (known.some((command) => command.keys.some((keys) => keys.startsWith(`${chord} `))))
      pending = { chord, atMs: nowMs() };
    return null;
  };
}

function isField(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (target instanceof HTMLInputElement) return !["checkbox", "radio", "button", "range"].includes(target.type);
  return target.isContentEditable || target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement;
}

/** A dialog or an open menu has the keyboard for itself. */
function isCovered(): boolean {
  return document.querySelector("dialog[open], [popover]:popover-open") !== null;
}

export function listen(): void {
  const match = createMatcher(() => performance.now());
  addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.isComposing) return;
    const chord = chordOf(event);
    const isModal = isCovered();
    const typing = isField(event.target);
    const known = commands.peek().filter((command) => (!typing && !isModal) || (command.isForFields && !isModal));
    // A focused button or link keeps Enter and Space.
    const isPressable =
      event.target instanceof HTMLElement && event.target.closest("button, a, summary, [role=option]");
    if (isPressable && (chord === "enter" || chord === "space")) return;
    const command = match(chord, known);
    if (!command) return;
    event.preventDefault();
    command.run();
  });
}
