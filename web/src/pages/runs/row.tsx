/** One run in the list. It reads its own signal, so a change redraws this row and no other. */

import type { ReadonlySignal } from "@preact/signals";
import { useEffect, useRef, useState } from "preact/hooks";
import { useLocation } from "preact-iso";
import { runHref, runsHref } from "../../app/address";
import { usePlace } from "../../app/place";
import { boxNow } from "../../data/clock";
import type { RunRow } from "../../data/types";
import { copyText, Tick } from "../../parts/buttons";
import { relative } from "../../parts/format";
import { Icon } from "../../parts/icon";
import { KindIcon, Lang, RunId } from "../../parts/marks";
import { Menu, MenuItem } from "../../parts/menu";
import { StatusText } from "../../parts/status";
import { toneOf } from "../../parts/statuses";
import { Ago, Span } from "../../parts/time";
import { share } from "./rows";

const BAR: Record<string, string> = { ok: "x", bad: "f", run: "e", quiet: "n" };

export interface RowActions {
  replay: (ids: string[]) => void;
  cancel: (ids: string[]) => void;
  select: (id: string, isOn: boolean, isRange: boolean) => void;
}

function Queued({ run }: { run: RunRow }) {
  if (run.status === "DELAYED" && run.delayUntilMs !== null)
    return <td class="r num">{relative(run.delayUntilMs, boxNow())}</td>;
  const from = run.queuedAtMs ?? run.createdAtMs;
  return (
    <td class="r num">
      <Span fromMs={from} toMs={run.dequeuedAtMs ?? run.finishedAtMs} />
    </td>
  );
}

function Ran({ run }: { run: RunRow }) {
  if (run.startedAtMs === null) return <td class="r num empty">–</td>;
  return (
    <td class="r num t1">
      <Span fromMs={run.startedAtMs} toMs={run.finishedAtMs} />
    </td>
  );
}

function ShareBar({ run }: { run: RunRow }) {
  const end = run.finishedAtMs ?? boxNow();
  const queued = (run.dequeuedAtMs ?? end) - (run.queuedAtMs ?? run.createdAtMs);
  const { queuedPx, ranPx } = share(
    Math.max(0, run.status === "DELAYED" ? 0 : queued),
    run.startedAtMs === null ? 0 : end - run.startedAtMs,
  );
  return (
    <span class="dur" aria-hidden="true">
      {queuedPx > 0 && <i class="q" style={{ width: `${queuedPx}px` }} />}
      {ranPx > 0 && <i class={BAR[toneOf(run.status)]} style={{ width: `${ranPx}px` }} />}
    </span>
  );
}

/** True for a moment after the status has changed. */
function useFlash(status: string): boolean {
  const before = useRef(status);
  const [isOn, setOn] = useState(false);
  useEffect(() => {
    if (before.current === status) return;
    before.current = status;
    setOn(true);
    const timer = setTimeout(() => setOn(false), 900);
    return () => clearTimeout(timer);
  }, [status]);
  return isOn;
}

function RowMenu({ run, actions }: { run: RunRow; actions: RowActions }) {
  const place = usePlace();
  return (
    <Menu
      label={<Icon name="more" class="t3" />}
      look="btn icon ghost sm act"
      name={`Actions for ${run.id}`}
      isIcon
      side="end"
    >
      {(close) => (
        <>
          <MenuItem href={runHref(place, run.id)}>
            <Icon name="external" />
            View run
          </MenuItem>
          <MenuItem
            onSelect={() => {
              close();
              actions.replay([run.id]);
            }}
          >
            <Icon name="replay" />
            Replay…
          </MenuItem>
          {run.isCancellable && (
            <MenuItem
              isDanger
              onSelect={() => {
                close();
                actions.cancel([run.id]);
              }}
            >
              <Icon name="cancel" />
              Cancel…
            </MenuItem>
          )}
          <div class="rule" role="presentation" />
          <MenuItem
            onSelect={() => {
              close();
              copyText(run.id);
            }}
          >
            <Icon name="copy" />
            Copy ID
          </MenuItem>
          <MenuItem href={runsHref(place, { task: run.task })} onSelect={close}>
            <Icon name="filter" />
            Only this task
          </MenuItem>
          {run.tags[0] && (
            <MenuItem href={runsHref(place, { tag: run.tags[0] })} onSelect={close}>
              <Icon name="tag" />
              <span class="clip">Only tag {run.tags[0]}</span>
            </MenuItem>
          )}
        </>
      )}
    </Menu>
  );
}

interface Props {
  source: ReadonlySignal<RunRow>;
  isSelected: boolean;
  isDim: boolean;
  actions: RowActions;
}

export function Row({ source, isSelected, isDim, actions }: Props) {
  const run = source.value;
  const place = usePlace();
  const { route } = useLocation();
  const isFlashing = useFlash(run.status);
  const href = runHref(place, run.id);
  const look = `${isSelected ? "sel" : ""}${isDim ? " dim" : ""}${isFlashing ? " flash" : ""}`;
  return (
    <tr
      class={look.trim()}
      data-run={run.id}
      aria-selected={isSelected}
      onClick={(event) => {
        if (event.defaultPrevented || (event.target as HTMLElement).closest("a, button, input, [popover]")) return;
        if (getSelection()?.isCollapsed === false) return;
        route(href);
      }}
    >
      <td>
        <Tick
          isOn={isSelected}
          name={`Select ${run.id}`}
          onChange={(isOn, event) => actions.select(run.id, isOn, event.shiftKey)}
        />
      </td>
      <td>
        <a class="rowlink" href={href} aria-label={`${run.id}, ${run.task}`}>
          <RunId id={run.id} class="cut" />
        </a>
      </td>
      <td>
        <span class="row g3">
          <KindIcon kind={run.taskKind} />
          <span class="task clip">{run.task}</span>
          <Lang language={run.language} />
          {run.parentId !== null && (
            <span class="t3 childmark" title={`Child of ${run.parentId}`}>
              <Icon name="child" size={14} />
              <span class="vh">child run</span>
            </span>
          )}
          {run.isTest && <span class="tagx">Test</span>}
        </span>
      </td>
      <td>
        <StatusText status={run.status} />
      </td>
      <Queued run={run} />
      <Ran run={run} />
      {run.usageMs > 0 ? (
        <td class="r num">
          <Span fromMs={0} toMs={run.usageMs} />
        </td>
      ) : (
        <td class="r num empty">–</td>
      )}
      <td>
        <ShareBar run={run} />
      </td>
      <td class="num">{run.taskVersion ?? "–"}</td>
      <td>
        <span class="row g3">
          <span class="clip">{run.queue.replace(/^task\//, "")}</span>
          {run.concurrencyKey !== null && <span class="tagx clip">{run.concurrencyKey}</span>}
        </span>
      </td>
      <td>
        <span class="row g2">
          {run.tags[0] !== undefined && <span class="tagx clip">{run.tags[0]}</span>}
          {run.tags.length > 1 && (
            <span class="t3 micro" title={run.tags.slice(1).join(", ")}>
              +{run.tags.length - 1}
            </span>
          )}
        </span>
      </td>
      <td class="r">
        <Ago atMs={run.createdAtMs} />
      </td>
      <td class="r">
        <RowMenu run={run} actions={actions} />
      </td>
    </tr>
  );
}
