/** The trace: toolbar, time axis, tree and timeline, legend. */

import type { TargetedKeyboardEvent, TargetedWheelEvent } from "preact";
import { useEffect, useId, useMemo, useRef, useState } from "preact/hooks";
import { useSearch } from "../../app/address";
import { useCommands } from "../../app/shortcuts";
import { boxNow } from "../../data/clock";
import type { RunRow, Trace } from "../../data/types";
import { IconButton, Switch } from "../../parts/buttons";
import { SearchField } from "../../parts/fields";
import { dayAndTime, plural } from "../../parts/format";
import { isFinal, toneOf } from "../../parts/statuses";
import { Windowed } from "../../parts/windowed";
import { axisOf, placeOf, ticksOf, zoomed } from "./axis";
import { Lane, TraceRow } from "./trace-row";
import { grow, openable, rowsOf } from "./tree";

const ZOOM_MAX = 64;
const LEVELS = 3;
/** Percent of the axis that the word `now` takes: ticks nearer to it would lie under it. */
const NOW_ROOM = 9;

interface Props {
  run: RunRow;
  trace: Trace;
  selected: string;
  onSelect: (id: string) => void;
}

/** Which branches are open: kept while one looks, not in the address. */
function useBranches() {
  const [closed, setClosed] = useState<ReadonlySet<string>>(new Set());
  const [opened, setOpened] = useState<ReadonlySet<string>>(new Set());
  const toggle = (id: string, isOpen: boolean) => {
    const change = (set: ReadonlySet<string>, has: boolean) => {
      const next = new Set(set);
      has ? next.add(id) : next.delete(id);
      return next;
    };
    setClosed(change(closed, isOpen));
    setOpened(change(opened, !isOpen));
  };
  const setAll = (ids: string[], isOpen: boolean) => {
    setClosed(new Set(isOpen ? [] : ids));
    setOpened(new Set(isOpen ? ids : []));
  };
  return { closed, opened, toggle, setAll };
}

function useZoom() {
  const [factor, setFactor] = useState(1);
  const [middle, setMiddle] = useState(0.5);
  const zoom = (next: number) => setFactor(Math.min(ZOOM_MAX, Math.max(1, next)));
  return { factor, middle, zoom, setMiddle };
}

function Legend({ tone, words }: { tone: string; words: string }) {
  const marks = [
    ["q", "Queued"],
    ["la", "Launch"],
    [tone, "Execute"],
    ["wait", "Waiting, no slot held"],
  ];
  return (
    <div class="foot-bar legendbar">
      {marks.map(([look, word]) => (
        <span key={word} class="row g3">
          <span class={`tbar key ${look}`} />
          {word}
        </span>
      ))}
      <span class="end">{words}</span>
    </div>
  );
}

export function TraceView({ run, trace, selected, onSelect }: Props) {
  const id = useId();
  const scroller = useRef<HTMLDivElement>(null);
  const search = useRef<HTMLInputElement>(null);
  const { query, set } = useSearch();
  const branches = useBranches();
  const { factor, middle, zoom, setMiddle } = useZoom();
  const text = query.q ?? "";
  const errorsOnly = query.errors === "true";
  const withQueue = query.queue !== "false";
  const isRunning = !isFinal(run.status);
  const nowMs = isRunning ? boxNow() : (run.finishedAtMs ?? run.createdAtMs);
  const rootId = trace.nodes.find((node) => node.kind === "run" && node.runId === run.id)?.id ?? run.id;
  const roots = useMemo(() => grow(trace.nodes, rootId), [trace, rootId]);
  const rows = useMemo(
    () => rowsOf(roots, { closed: branches.closed, opened: branches.opened, text, errorsOnly }),
    [roots, branches.closed, branches.opened, text, errorsOnly],
  );
  const startMs = withQueue ? run.createdAtMs : (run.startedAtMs ?? run.createdAtMs);
  const whole = axisOf(trace.nodes, startMs, isRunning ? nowMs : null);
  const axis = zoomed(whole, factor, middle);
  const ticks = ticksOf(axis);
  const rowHeight = matchMedia("(max-width: 767px)").matches ? 36 : 28;
  const at = rows.findIndex((row) => row.node.id === selected);

  const expandAll = () => branches.setAll(openable(roots), true);
  const collapseAll = () => branches.setAll(openable(roots), false);
  const toLevel = (level: number) => {
    const shallow: string[] = [];
    const deep: string[] = [];
    const walk = (item: (typeof roots)[number], depth: number) => {
      (depth < level ? shallow : deep).push(item.node.id);
      for (const child of item.children) walk(child, depth + 1);
    };
    for (const root of roots) walk(root, 0);
    branches.setAll(shallow, true);
    for (const own of deep) branches.toggle(own, true);
  };
  useCommands([
    { title: "Search this trace", group: "Run page", keys: ["/"], run: () => search.current?.focus() },
    { title: "Queue time", group: "Run page", keys: ["q"], run: () => set({ queue: withQueue ? "false" : null }) },
    { title: "Expand all", group: "Run page", keys: ["e"], run: expandAll },
    { title: "Collapse all", group: "Run page", keys: ["w"], run: collapseAll },
    ...Array.from({ length: LEVELS }, (_, level) => ({
      title: `Open to level ${level + 1}`,
      group: "Run page" as const,
      keys: [String(level + 1)],
      run: () => toLevel(level + 1),
    })),
    { title: "Zoom in", group: "Run page", keys: ["+"], run: () => zoom(factor * 2) },
    { title: "Zoom out", group: "Run page", keys: ["-"], run: () => zoom(factor / 2) },
  ]);

  useEffect(() => {
    if (at < 0 || !scroller.current) return;
    const top = at * rowHeight;
    const { scrollTop, clientHeight } = scroller.current;
    if (top < scrollTop) scroller.current.scrollTop = top;
    else if (top + rowHeight > scrollTop + clientHeight) scroller.current.scrollTop = top + rowHeight - clientHeight;
  }, [at, rowHeight]);

  const onKeyDown = (event: TargetedKeyboardEvent<HTMLDivElement>) => {
    const row = rows[at];
    const move = (index: number) => {
      const next = rows[Math.max(0, Math.min(rows.length - 1, index))];
      if (next) onSelect(next.node.id);
    };
    const parentAt = () => rows.slice(0, at).findLastIndex((other) => other.depth < (row?.depth ?? 0));
    const acts: Record<string, () => void> = {
      ArrowDown: () => move(at + 1),
      ArrowUp: () => move(at - 1),
      Home: () => move(0),
      End: () => move(rows.length - 1),
      ArrowRight: () => (row && row.size > 0 && !row.isOpen ? branches.toggle(row.node.id, false) : move(at + 1)),
      ArrowLeft: () =>
        row && row.size > 0 && row.isOpen ? branches.toggle(row.node.id, true) : move(Math.max(0, parentAt())),
    };
    const act = acts[event.key];
    if (!act || event.metaKey || event.ctrlKey) return;
    event.preventDefault();
    act();
  };

  const pan = (event: TargetedWheelEvent<HTMLDivElement>) => {
    const sideways = event.shiftKey ? event.deltaY : event.deltaX;
    if (factor <= 1 || sideways === 0) return;
    event.preventDefault();
    setMiddle(Math.min(1, Math.max(0, middle + sideways / (factor * 1200))));
  };

  const events = trace.isPartial
    ? `${plural(trace.nodes.length, "event")}, the rest is left out`
    : plural(trace.nodes.length, "event");
  return (
    <>
      <div class="bar">
        <SearchField
          name="Search this trace"
          class="w232"
          keys="/"
          value={text}
          inputRef={search}
          onValue={(q) => set({ q })}
        />
        <Switch label="Errors only" isOn={errorsOnly} onChange={(isOn) => set({ errors: isOn ? "true" : null })} />
        <Switch label="Queue time" isOn={withQueue} onChange={(isOn) => set({ queue: isOn ? null : "false" })} />
        <span class="end g0">
          <IconButton icon="expand" name="Expand all (E)" onClick={expandAll} />
          <IconButton icon="collapse" name="Collapse all (W)" onClick={collapseAll} />
          <span class="vline" />
          <IconButton icon="minus" name="Zoom out (-)" onClick={() => zoom(factor / 2)} />
          <input
            class="zoom"
            type="range"
            aria-label="Zoom"
            min={0}
            max={Math.log2(ZOOM_MAX)}
            step={0.1}
            value={Math.log2(factor)}
            onInput={(event) => zoom(2 ** Number(event.currentTarget.value))}
          />
          <IconButton icon="plus" name="Zoom in (+)" onClick={() => zoom(factor * 2)} />
        </span>
      </div>
      <div class="axis" aria-hidden="true">
        <div>
          Trace<span class="end">Duration</span>
        </div>
        <div class="tl">
          <div class="lane">
            {ticks
              .filter((tick) => !isRunning || Math.abs(tick.place - placeOf(axis, nowMs)) > NOW_ROOM)
              .map((tick) => (
                <span key={tick.label} style={{ left: `${tick.place}%` }}>
                  {tick.label}
                </span>
              ))}
            {isRunning && (
              <span class="now" style={{ left: `${placeOf(axis, nowMs)}%` }}>
                now
              </span>
            )}
          </div>
        </div>
      </div>
      <div
        ref={scroller}
        class="scroll tr"
        role="tree"
        aria-label="Trace"
        tabIndex={0}
        aria-activedescendant={at >= 0 ? `${id}-${at}` : undefined}
        onKeyDown={onKeyDown}
        onWheel={pan}
      >
        <Windowed
          scroller={scroller}
          count={rows.length}
          rowHeight={rowHeight}
          render={(index) => {
            const row = rows[index];
            if (!row) return null;
            return (
              <TraceRow
                key={row.node.id}
                id={`${id}-${index}`}
                row={row}
                axis={axis}
                ticks={ticks}
                nowMs={nowMs}
                isRunning={isRunning}
                isSelected={row.node.id === selected}
                onSelect={() => onSelect(row.node.id)}
                onToggle={() => branches.toggle(row.node.id, row.isOpen)}
              />
            );
          }}
        />
        <div class="trow rest" role="presentation">
          <div class="tn" />
          <Lane axis={axis} ticks={ticks} nowMs={isRunning ? nowMs : null} />
        </div>
      </div>
      {run.startedAtMs === null && isRunning && (
        <div class="empty-trace">
          <p class="t2">Nothing has run yet.</p>
          <p class="t3 small">Logs, spans and child runs appear here as soon as the first attempt starts.</p>
        </div>
      )}
      {trace.removedAtMs !== null && (
        <div class="empty-trace">
          <p class="t2">Logs and spans were removed on {dayAndTime(trace.removedAtMs)}.</p>
          <p class="t3 small">They are kept for a limited time. The run's facts stay.</p>
        </div>
      )}
      {rows.length <= 1 && (text || errorsOnly) && (
        <div class="empty-trace">
          <p class="t2">Nothing in this trace matches.</p>
        </div>
      )}
      <Legend tone={isRunning ? "run" : toneOf(run.status)} words={isRunning ? `${events}, updating` : events} />
    </>
  );
}
