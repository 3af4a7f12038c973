/** Rows of the palette: how well a text fits, and the part that fits in colour. */

import type { ComponentChildren } from "preact";

export interface PaletteRow {
  key: string;
  group: string;
  mark: ComponentChildren;
  title: ComponentChildren;
  note?: ComponentChildren;
  end?: ComponentChildren;
  href?: string;
  run?: () => void;
}

/** 0: does not fit; higher fits better: at the beginning, at the beginning of a word, anywhere. */
export function score(text: string, part: string): number {
  if (part === "") return 1;
  const at = text.toLowerCase().indexOf(part.toLowerCase());
  if (at < 0) return 0;
  if (at === 0) return 3;
  return /[\s_-]/.test(text[at - 1] as string) ? 2 : 1;
}

export function Marked({ text, part }: { text: string; part: string }) {
  const at = part === "" ? -1 : text.toLowerCase().indexOf(part.toLowerCase());
  if (at < 0) return <>{text}</>;
  return (
    <>
      {text.slice(0, at)}
      <mark>{text.slice(at, at + part.length)}</mark>
      {text.slice(at + part.length)}
    </>
  );
}
