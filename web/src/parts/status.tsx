/** A run's status: glyph and word and colour, never colour alone. */

import type { RunStatus } from "../data/types";
import { Icon, type IconName } from "./icon";
import { STATUSES } from "./statuses";

const TURNING: RunStatus[] = ["EXECUTING", "REATTEMPTING"];

function Glyph({ status, size = 16 }: { status: RunStatus; size?: 12 | 14 | 16 }) {
  const icon = `st-${STATUSES[status].slug}` as IconName;
  return <Icon name={icon} size={size} class={TURNING.includes(status) ? "spin" : ""} />;
}

/** For lists: a coloured glyph and a plain word. */
export function StatusText({ status }: { status: RunStatus }) {
  const { slug, word, meaning } = STATUSES[status];
  return (
    <span class="st" data-st={slug} title={meaning}>
      <Glyph status={status} />
      {word}
    </span>
  );
}

/** The glyph alone, with its word in the tooltip and for screen readers. */
export function StatusGlyph({ status }: { status: RunStatus }) {
  const { slug, word } = STATUSES[status];
  return (
    <span class="st solo" data-st={slug} title={word}>
      <Glyph status={status} />
      <span class="vh">{word}</span>
    </span>
  );
}

/** For headers. */
export function StatusBadge({ status }: { status: RunStatus }) {
  const { slug, word, meaning } = STATUSES[status];
  return (
    <span class="badge" data-st={slug} title={meaning}>
      <Glyph status={status} size={12} />
      {word}
    </span>
  );
}
