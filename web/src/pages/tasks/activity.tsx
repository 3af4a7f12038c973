/** Runs of a task, hour by hour: one bar each, height scaled per task, in the colours of the outcomes. */

import type { HourCounts } from "../../data/types";
import { plural } from "../../parts/format";

const HEIGHT_PX = 20;
const PARTS = ["completed", "running", "canceled", "failed"] as const;

export const LEGEND: [name: (typeof PARTS)[number], words: string][] = [
  ["completed", "Completed"],
  ["running", "Running"],
  ["canceled", "Canceled or expired"],
  ["failed", "Failed"],
];

const sum = (hour: HourCounts) => hour[0] + hour[1] + hour[2] + hour[3];

/** Heights in px: a part that is there is at least one pixel high, a failure two. */
export function heights(hour: HourCounts, most: number): number[] {
  return hour.map((value, index) => {
    if (value === 0) return 0;
    const height = (value / most) * HEIGHT_PX;
    return Math.max(height, PARTS[index] === "failed" ? 2 : 1);
  });
}

export function Activity({ hours }: { hours: HourCounts[] }) {
  const most = Math.max(1, ...hours.map(sum));
  const total = hours.reduce((all, hour) => all + sum(hour), 0);
  const failed = hours.reduce((all, hour) => all + hour[3], 0);
  const words = `${plural(total, "run")} in the last 24 hours, ${failed} failed`;
  return (
    <span class="acts24" role="img" aria-label={words} title={words}>
      {hours.map((hour, index) =>
        sum(hour) === 0 ? (
          <i key={index} class="z" />
        ) : (
          <i key={index}>
            {heights(hour, most).map(
              (height, part) =>
                height > 0 && <b key={PARTS[part]} class={`s-${PARTS[part]}`} style={{ height: `${height}px` }} />,
            )}
          </i>
        ),
      )}
    </span>
  );
}
