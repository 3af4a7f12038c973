/** The time axis of a trace: from where to where, the part that is zoomed in, and its ticks. Pure. */

import type { TraceNode } from "../../data/types";
import { duration } from "../../parts/format";

export interface Axis {
  startMs: number;
  endMs: number;
  /** The part that is shown. */
  fromMs: number;
  toMs: number;
}

const SPARE = 0.04;
const SPAN_MS_MIN = 10;

/** The axis over all nodes; a little room after the end, more while running so that the now-line can move. */
export function axisOf(nodes: TraceNode[], startMs: number, nowMs: number | null): Axis {
  let endMs = startMs + SPAN_MS_MIN;
  for (const node of nodes) endMs = Math.max(endMs, node.endMs ?? nowMs ?? node.startMs);
  const spare = nowMs === null ? SPARE : 0.16;
  endMs += (endMs - startMs) * spare;
  return { startMs, endMs, fromMs: startMs, toMs: endMs };
}

/** Zoomed in by a factor around a middle (0 to 1 of the whole), kept inside the whole. */
export function zoomed(axis: Axis, factor: number, middle: number): Axis {
  const whole = axis.endMs - axis.startMs;
  const span = whole / Math.max(1, factor);
  const fromMs = Math.min(Math.max(axis.startMs, axis.startMs + middle * whole - span / 2), axis.endMs - span);
  return { ...axis, fromMs, toMs: fromMs + span };
}

/** Where an instant stands, in percent of the shown part. */
export function placeOf(axis: Axis, atMs: number): number {
  return ((atMs - axis.fromMs) / (axis.toMs - axis.fromMs)) * 100;
}

const STEPS = [
  1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 15_000, 30_000, 60_000, 120_000, 300_000, 600_000,
  900_000, 1_800_000, 3_600_000, 7_200_000, 14_400_000, 43_200_000, 86_400_000,
];
const TICKS_MAX = 6;

export interface Tick {
  place: number;
  label: string;
}

export function ticksOf(axis: Axis): Tick[] {
  const span = axis.toMs - axis.fromMs;
  const step =
    STEPS.find((candidate) => span / candidate <= TICKS_MAX) ?? Math.ceil(span / TICKS_MAX / 86_400_000) * 86_400_000;
  const first = Math.ceil((axis.fromMs - axis.startMs) / step) * step;
  const ticks: Tick[] = [];
  for (let at = first; axis.startMs + at <= axis.toMs; at += step) {
    ticks.push({ place: placeOf(axis, axis.startMs + at), label: tickLabel(at) });
  }
  return ticks;
}

/** `0s`, `250ms`, `10s`, `1m`, `1m 30s`: no decimals that say nothing. */
export function tickLabel(ms: number): string {
  if (ms === 0) return "0s";
  if (ms < 1000) return `${ms}ms`;
  if (ms < 60_000) return `${ms / 1000}s`;
  return duration(ms).replace(/ 0[smh]$/, "");
}
