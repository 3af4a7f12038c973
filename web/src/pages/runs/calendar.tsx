/** A month to choose a first and a last day from. */

import { useState } from "preact/hooks";
import { IconButton } from "../../parts/buttons";

const DAY_MS = 86_400_000;
const MONTHS = [
  "January",
  "February",
  "March",
  "April",
  "May",
  "June",
  "July",
  "August",
  "September",
  "October",
  "November",
  "December",
];
const WEEKDAYS = ["Mo", "Tu", "We", "Th", "Fr", "Sa", "Su"];

export function startOfDay(atMs: number): number {
  const date = new Date(atMs);
  return new Date(date.getFullYear(), date.getMonth(), date.getDate()).getTime();
}

/** Six weeks that hold the month, Monday first. */
export function weeksOf(year: number, month: number): Date[] {
  const first = new Date(year, month, 1);
  const lead = (first.getDay() + 6) % 7;
  return Array.from({ length: 42 }, (_, index) => new Date(year, month, 1 - lead + index));
}

interface Props {
  from: number | null;
  to: number | null;
  todayMs: number;
  onDays: (from: number, to: number | null) => void;
}

export function Calendar({ from, to, todayMs, onDays }: Props) {
  const anchor = new Date(to ?? from ?? todayMs);
  const [month, setMonth] = useState(() => new Date(anchor.getFullYear(), anchor.getMonth(), 1));
  const shift = (step: number) => setMonth(new Date(month.getFullYear(), month.getMonth() + step, 1));
  const first = from === null ? null : startOfDay(from);
  const last = to === null ? first : startOfDay(to);
  const choose = (day: number) => {
    // A click after a whole range starts a new one; a click before its start, too.
    if (first === null || to !== null || day < first) onDays(day, null);
    else onDays(first, day + DAY_MS - 1);
  };
  return (
    <>
      <div class="row mt12">
        <b class="med grow" aria-live="polite">
          {MONTHS[month.getMonth()]} {month.getFullYear()}
        </b>
        <IconButton icon="arrow-left" name="Earlier month" class="ghost sm" onClick={() => shift(-1)} />
        <IconButton icon="arrow-right" name="Later month" class="ghost sm" onClick={() => shift(1)} />
      </div>
      <div class="cal" role="group" aria-label="Days">
        {WEEKDAYS.map((name) => (
          <span key={name} class="dw" aria-hidden="true">
            {name}
          </span>
        ))}
        {weeksOf(month.getFullYear(), month.getMonth()).map((date) => {
          const day = date.getTime();
          const look = [
            date.getMonth() === month.getMonth() ? "" : "out",
            first !== null && last !== null && day > first && day < last ? "in" : "",
            day === first ? "from" : "",
            day === last ? "to" : "",
          ];
          return (
            <button
              key={day}
              type="button"
              class={look.filter(Boolean).join(" ")}
              disabled={day > todayMs}
              aria-pressed={first !== null && last !== null && day >= first && day <= last}
              aria-label={`${date.getDate()} ${MONTHS[date.getMonth()]} ${date.getFullYear()}`}
              onClick={() => choose(day)}
            >
              {date.getDate()}
            </button>
          );
        })}
      </div>
    </>
  );
}
