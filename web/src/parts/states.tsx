/** What a part of a page shows when there is nothing, not yet anything, or something went wrong. */

import type { ComponentChildren } from "preact";
import type { ApiError } from "../data/api";
import { Icon, type IconName } from "./icon";

interface EmptyProps {
  icon: IconName;
  title: string;
  children: ComponentChildren;
  action?: ComponentChildren;
}

export function Empty({ icon, title, children, action }: EmptyProps) {
  return (
    <div class="es">
      <Icon name={icon} class="t3" />
      <h2>{title}</h2>
      <p class="t3">{children}</p>
      {action}
    </div>
  );
}

/** What failed and what the box said; per part, never the whole page. */
export function Failed({ what, error, onRetry }: { what: string; error: ApiError; onRetry: () => void }) {
  return (
    <div class="es" role="alert">
      <Icon name="warn" class="bad" />
      <h2>{what} did not load</h2>
      <p class="t3">{error.message}</p>
      <button type="button" class="btn" onClick={onRetry}>
        <Icon name="refresh" size={14} />
        Try again
      </button>
    </div>
  );
}

/** Older data is still shown, newer did not come. */
export function FailedBar({ error, onRetry }: { error: ApiError; onRetry: () => void }) {
  return (
    <div class="banner warn" role="alert">
      <Icon name="warn" />
      <span class="grow">
        {error.message} <span class="t2">You see what was read before.</span>
      </span>
      <button type="button" class="btn sm" onClick={onRetry}>
        Try again
      </button>
    </div>
  );
}

const WIDTHS = [64, 48, 72, 56, 40, 68];

/** Grey bars in the shape of the rows to come. */
export function SkeletonRows({ rows, columns }: { rows: number; columns: number }) {
  return (
    <>
      {Array.from({ length: rows }, (_, row) => (
        <tr key={row} aria-hidden="true" class="skeleton">
          {Array.from({ length: columns }, (_, column) => (
            <td key={column}>
              <span class="skel" style={{ width: `${WIDTHS[(row + column) % WIDTHS.length]}%` }} />
            </td>
          ))}
        </tr>
      ))}
    </>
  );
}

export function SkeletonLines({ lines }: { lines: number }) {
  return (
    <div class="skels" role="status" aria-label="Loading">
      {Array.from({ length: lines }, (_, line) => (
        <span key={line} class="skel" style={{ width: `${WIDTHS[line % WIDTHS.length]}%` }} />
      ))}
    </div>
  );
}
