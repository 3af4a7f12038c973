/** One row of the trace: name and place in the tree at the left, its marks on the timeline at the right. */

import type { TraceKind, TraceNode } from "../../data/types";
import { duration, plain, plural, ticking } from "../../parts/format";
import { Icon, type IconName } from "../../parts/icon";
import { Lang } from "../../parts/marks";
import { StatusGlyph } from "../../parts/status";
import { STATUSES } from "../../parts/statuses";
import { type Axis, placeOf, type Tick } from "./axis";
import { hasDuration, type Marks, marksOf } from "./bars";
import type { Row } from "./tree";

const INDENT_PX = 16;
const ICONS: Record<TraceKind, IconName> = {
  run: "task",
  attempt: "attempt",
  span: "span",
  log: "log",
  error: "st-failed",
  wait: "st-waiting",
  retry: "st-reattempting",
  http: "http",
  db: "db",
  ai: "sparkle",
  tag: "tag",
};

function tint(node: TraceNode): string {
  if (node.isCanceled) return "t3";
  if (node.kind === "attempt") return node.endMs === null ? "runc" : node.isError ? "bad" : "ok";
  if (node.isError || node.level === "error") return "bad";
  if (node.level === "warn") return "warnc";
  return node.kind === "ai" ? "acc" : "t3";
}

function Mark({ row }: { row: Row }) {
  const { node, fold } = row;
  if (fold) return <Icon name="batches" class="k t3" />;
  if (node.kind === "run" && node.run) return <StatusGlyph status={node.run.status} />;
  const icon = node.kind === "error" && node.isCanceled ? "st-canceled" : ICONS[node.kind];
  return <Icon name={icon} class={`k ${tint(node)}`} />;
}

function Name({ row }: { row: Row }) {
  const { node, fold, depth } = row;
  const isQuiet = node.kind !== "run" && node.kind !== "attempt" && node.kind !== "wait" && node.kind !== "ai";
  const look = node.isError && node.kind !== "run" && node.kind !== "attempt" ? " bad" : isQuiet ? " t2" : "";
  return (
    <>
      <span class={`nm${look}`}>
        {fold && `${fold.count} × `}
        {depth === 0 ? <b class="med">{plain(node.title)}</b> : plain(node.title)}
        {node.note !== null && node.kind !== "attempt" && <span class="t3"> {plain(node.note)}</span>}
      </span>
      {node.kind === "attempt" && node.note !== null && <span class="tagx">{node.note}</span>}
      {node.kind === "run" && !fold && <Lang language={node.run?.language ?? null} />}
      {fold?.statuses.slice(0, 2).map(([status, times]) => (
        <span key={status} class="tagx">
          {times} {STATUSES[status].word.toLowerCase()}
        </span>
      ))}
    </>
  );
}

/** In percent of the lane, cut at its edges so that a bar far out does not make a page a mile wide. */
function cut(axis: Axis, fromMs: number, toMs: number): { left: string; width: string } | null {
  const left = Math.max(-2, placeOf(axis, fromMs));
  const right = Math.min(102, placeOf(axis, toMs));
  if (right < left || left > 100 || right < 0) return null;
  return { left: `${left}%`, width: `${right - left}%` };
}

const LABEL_LEFT_FROM = 72;

function Label({ axis, marks, node }: { axis: Axis; marks: Marks; node: TraceNode }) {
  if (marks.label === null) return null;
  const endMs = marks.diamond?.atMs ?? marks.bars.at(-1)?.toMs ?? node.startMs;
  const startMs = marks.diamond?.atMs ?? marks.bars[0]?.fromMs ?? node.startMs;
  const end = placeOf(axis, endMs);
  const isLeft = end > LABEL_LEFT_FROM;
  const style = isLeft ? { right: `${100 - placeOf(axis, startMs)}%` } : { left: `${end}%` };
  return (
    <span class={`tlab${marks.diamond ? (isLeft ? " before" : " after") : ""}`} style={style}>
      {marks.label}
    </span>
  );
}

export function Lane({
  axis,
  ticks,
  nowMs,
  children,
}: {
  axis: Axis;
  ticks: Tick[];
  nowMs: number | null;
  children?: preact.ComponentChildren;
}) {
  return (
    <div class="tl">
      <div class="lane">
        {ticks.map((tick) => (
          <span key={tick.label} class="tgrid" style={{ left: `${tick.place}%` }} />
        ))}
        {nowMs !== null && <span class="nowline" style={{ left: `${placeOf(axis, nowMs)}%` }} />}
        {children}
      </div>
    </div>
  );
}

interface Props {
  row: Row;
  id: string;
  axis: Axis;
  ticks: Tick[];
  nowMs: number;
  isRunning: boolean;
  isSelected: boolean;
  onSelect: () => void;
  onToggle: () => void;
}

export function TraceRow({ row, id, axis, ticks, nowMs, isRunning, isSelected, onSelect, onToggle }: Props) {
  const { node, depth } = row;
  const marks = marksOf(node, nowMs);
  const length = node.endMs === null ? ticking(nowMs - node.startMs) : duration(node.endMs - node.startMs);
  return (
    <div
      id={id}
      class={`trow${isSelected ? " sel" : ""}`}
      role="treeitem"
      tabIndex={-1}
      aria-level={depth + 1}
      aria-selected={isSelected}
      aria-expanded={row.size > 0 ? row.isOpen : undefined}
      onClick={onSelect}
    >
      <div class="tn" style={{ paddingLeft: `${INDENT_PX * (depth + 1)}px` }}>
        {Array.from({ length: depth }, (_, level) => (
          <span key={level} class="guide" style={{ left: `${24 + level * INDENT_PX}px` }} />
        ))}
        {row.size > 0 ? (
          <span
            class="tw"
            title={row.isOpen ? "Close" : `Open, ${plural(row.size, "row")}`}
            onClick={(event) => {
              event.stopPropagation();
              onToggle();
            }}
          >
            <Icon name={row.isOpen ? "chevron-down" : "chevron-right"} size={12} />
          </span>
        ) : (
          <span class="tw" />
        )}
        <Mark row={row} />
        <Name row={row} />
        <span class="du">{hasDuration(node) ? length : ""}</span>
      </div>
      <Lane axis={axis} ticks={ticks} nowMs={isRunning ? nowMs : null}>
        {marks.bars.map((bar) => {
          const style = cut(axis, bar.fromMs, bar.toMs);
          return style && <span key={`${bar.look}${bar.fromMs}`} class={`tbar ${bar.look}`} style={style} />;
        })}
        {marks.diamond && (
          <span class={`tmark ${marks.diamond.look}`} style={{ left: `${placeOf(axis, marks.diamond.atMs)}%` }} />
        )}
        <Label axis={axis} marks={marks} node={node} />
      </Lane>
    </div>
  );
}
