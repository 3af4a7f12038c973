/** Numbers, durations, instants and sizes as people read them. Pure: the clock comes in. */

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** `820ms`, `4.2s`, `46.4s`, `1m 3s`, `2h 4m`, `3d 2h`. */
export function duration(ms: number): string {
  const value = Math.max(0, ms);
  if (value < 0.95) return value === 0 ? "0ms" : "<1ms";
  if (value < 999.5) return `${Math.round(value)}ms`;
  if (value < MINUTE - 50) return `${(value / SECOND).toFixed(1)}s`;
  const [big, bigUnit, small, smallUnit] = largest(Math.round(value / SECOND) * SECOND);
  return `${big}${bigUnit} ${small}${smallUnit}`;
}

function largest(ms: number): [number, string, number, string] {
  if (ms < HOUR) return [Math.floor(ms / MINUTE), "m", Math.floor((ms % MINUTE) / SECOND), "s"];
  if (ms < DAY) return [Math.floor(ms / HOUR), "h", Math.floor((ms % HOUR) / MINUTE), "m"];
  return [Math.floor(ms / DAY), "d", Math.floor((ms % DAY) / HOUR), "h"];
}

/** A duration that ticks: whole seconds once it is past ten, so that the last digit does not flicker. */
export function ticking(ms: number): string {
  return ms >= 10 * SECOND && ms < MINUTE ? `${Math.floor(ms / SECOND)}s` : duration(ms);
}

/** One unit only: `12s`, `4m`, `13h`, `5d`. */
export function short(ms: number): string {
  const value = Math.max(0, ms);
  if (value < MINUTE) return `${Math.floor(value / SECOND)}s`;
  if (value < HOUR) return `${Math.floor(value / MINUTE)}m`;
  if (value < DAY) return `${Math.floor(value / HOUR)}h`;
  return `${Math.floor(value / DAY)}d`;
}

/** `12s ago` under a day, then the date: `Nov 17, 16:04`. In the future: `in 50m`. */
export function relative(atMs: number, nowMs: number): string {
  const age = nowMs - atMs;
  if (age < 0) return -age < DAY ? `in ${short(-age)}` : dayAndTime(atMs);
  if (age < SECOND) return "now";
  return age < DAY ? `${short(age)} ago` : dayAndTime(atMs);
}

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const two = (value: number) => String(value).padStart(2, "0");

export function day(atMs: number): string {
  const date = new Date(atMs);
  return `${MONTHS[date.getMonth()]} ${date.getDate()}`;
}

export function dayAndTime(atMs: number): string {
  const date = new Date(atMs);
  return `${day(atMs)}, ${two(date.getHours())}:${two(date.getMinutes())}`;
}

/** `16:02:41.208` */
export function clockTime(atMs: number, { withMs = true } = {}): string {
  const date = new Date(atMs);
  const time = `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
  return withMs ? `${time}.${String(date.getMilliseconds()).padStart(3, "0")}` : time;
}

/** The full instant in the reader's zone, and in UTC, for a tooltip. */
export function fullTime(atMs: number): string {
  const utc = new Date(atMs).toISOString();
  return `${day(atMs)}, ${clockTime(atMs)} · UTC ${utc.slice(11, 23)}`;
}

export function zoneName(): string {
  return Intl.DateTimeFormat().resolvedOptions().timeZone;
}

/** `61 B`, `1.4 KB`, `3.2 MB` (1 KB = 1024 B, as the limits count). */
export function bytes(size: number): string {
  if (size < 1024) return `${size} B`;
  const [value, unit] = size < 1024 * 1024 ? [size / 1024, "KB"] : [size / 1024 / 1024, "MB"];
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ${unit}`;
}

export function count(value: number): string {
  return value.toLocaleString("en-US");
}

/** `97.1%`, and `100%` or `0%` only when it is. */
export function percent(ratio: number): string {
  if (ratio === 1 || ratio === 0) return `${100 * ratio}%`;
  return `${(Math.floor(ratio * 1000) / 10).toFixed(1)}%`;
}

export function plural(value: number, one: string, many = `${one}s`): string {
  return `${count(value)} ${value === 1 ? one : many}`;
}

export function ordinal(value: number): string {
  const rest = value % 100;
  const end = rest >= 11 && rest <= 13 ? "th" : (["th", "st", "nd", "rd"][value % 10] ?? "th");
  return `${count(value)}${end}`;
}

// Colours and cursor moves of terminals: CSI sequences, then OSC ones (titles, links).
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this is about
const TERMINAL = /\u001b\[[0-?]*[ -/]*[@-~]|\u001b\][^\u0007\u001b]*(?:\u0007|\u001b\\)/g;
// What is not seen, or turns the direction of what follows; line ends and tabs stay.
// biome-ignore lint/suspicious/noControlCharactersInRegex: as above
const UNSEEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff]/g;

/** What a program wrote, as a page shows it: without a terminal's colours, and with nothing hidden or turned around. */
export function plain(text: string): string {
  return text
    .replace(TERMINAL, "")
    .replace(/\r\n/g, "\n")
    .replace(UNSEEN, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

const RIGHT_TO_LEFT = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]|[\ud802\ud803\ud83a\ud83b]/;

/** A name somebody chose, to stand inside a sentence of ours: whatever its direction, the words around it keep theirs. */
export function named(text: string): string {
  const words = plain(text);
  return RIGHT_TO_LEFT.test(words) ? `\u2068${words}\u2069` : words;
}

const ID_END = 8;

/** An id in the part all share and the part that differs: it is never cut from the right. */
export function splitId(id: string): [prefix: string, own: string] {
  return id.length <= ID_END ? ["", id] : [id.slice(0, -ID_END), id.slice(-ID_END)];
}

/** Long ids keep their beginning and their end: `run_06fk…9tb5h0q`. */
export function middle(id: string, max = 20): string {
  if (id.length <= max) return id;
  const head = 4;
  return `${id.slice(0, head)}…${id.slice(-(max - head - 1))}`;
}
