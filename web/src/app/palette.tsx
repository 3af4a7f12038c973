/** The command palette: tasks, runs, pages and verbs by a few letters. */

import { useEffect, useId, useMemo, useState } from "preact/hooks";
import { useLocation } from "preact-iso";
import { api } from "../data/api";
import { useResource } from "../data/resource";
import type { Place } from "../data/session";
import { useModal } from "../parts/dialog";
import { Icon } from "../parts/icon";
import { EnvTag, Kbd, KindIcon } from "../parts/marks";
import { StatusGlyph } from "../parts/status";
import { Ago } from "../parts/time";
import { runHref, runsHref, testHref } from "./address";
import { closeOverlay } from "./overlays";
import { Marked, type PaletteRow, score } from "./palette-rows";
import { commands } from "./shortcuts";

const PAUSE_MS = 120;
const COMMANDS_MAX = 8;

function useSettled(text: string): string {
  const [settled, setSettled] = useState(text);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(text), PAUSE_MS);
    return () => clearTimeout(timer);
  }, [text]);
  return settled;
}

function useRows(place: Place, text: string): PaletteRow[] {
  const part = text.trim();
  const settled = useSettled(part);
  const found = useResource(settled, (signal) => api.find(place.environment.id, settled, signal)).data.value;
  return useMemo(() => {
    const rows: PaletteRow[] = [];
    // An answer to what was typed before may still be shown: only what fits the text now is offered.
    const tasks = (found?.tasks ?? []).filter((task) => score(task.id, part) > 0 || score(task.filePath, part) > 0);
    const runs = (found?.runs ?? []).filter((run) => score(run.id, part) > 0 || score(run.task, part) > 0);
    for (const task of tasks) {
      rows.push({
        key: `task ${task.id}`,
        group: "Tasks",
        mark: <KindIcon kind={task.kind} />,
        title: <Marked text={task.id} part={part} />,
        note: task.filePath,
        href: runsHref(place, { task: task.id }),
      });
    }
    for (const task of part ? tasks.slice(0, 3) : []) {
      rows.push({
        key: `test ${task.id}`,
        group: "Do",
        mark: <Icon name="play" />,
        title: (
          <>
            Test <Marked text={task.id} part={part} />
          </>
        ),
        href: testHref(place, task.id),
      });
    }
    for (const run of runs) {
      rows.push({
        key: `run ${run.id}`,
        group: "Runs",
        mark: <StatusGlyph status={run.status} />,
        title: <span class="mono">{run.id}</span>,
        note: <Marked text={run.task} part={part} />,
        end: <Ago atMs={run.createdAtMs} />,
        href: runHref(place, run.id),
      });
    }
    return rows;
  }, [found, part, place]);
}

function commandRows(text: string): PaletteRow[] {
  return commands.value
    .filter((command) => command.isInPalette && score(command.title, text) > 0)
    .sort((a, b) => score(b.title, text) - score(a.title, text))
    .slice(0, COMMANDS_MAX)
    .map((command) => ({
      key: `command ${command.title}`,
      group: command.group === "Go to" ? "Go to" : "Do",
      mark: <Icon name={command.icon ?? "arrow-right"} />,
      title: <Marked text={command.title} part={text} />,
      end: command.keys[0]?.split(" ").map((chord) => <Kbd key={chord} keys={chord} />),
      run: command.run,
    }));
}

const ORDER = ["Tasks", "Do", "Runs", "Go to"];

export default function Palette({ place }: { place: Place }) {
  const id = useId();
  const { route } = useLocation();
  const element = useModal();
  const [text, setText] = useState("");
  const [chosen, setChosen] = useState(0);
  const found = [...useRows(place, text), ...commandRows(text.trim())];
  const rows = ORDER.flatMap((group) => found.filter((row) => row.group === group));
  const at = Math.min(chosen, Math.max(0, rows.length - 1));

  useEffect(() => {
    document.getElementById(`${id}-${at}`)?.scrollIntoView({ block: "nearest" });
  }, [at, id]);

  const open = (row: PaletteRow, isNewTab: boolean) => {
    // Closed first: the focus goes back to where it was, and what opens next can bring it there again.
    element.current?.close();
    closeOverlay();
    if (row.href && isNewTab) window.open(row.href, "_blank", "noopener");
    else if (row.href) route(row.href);
    else row.run?.();
  };

  const onKeyDown = (event: KeyboardEvent) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) {
      event.preventDefault();
      setChosen((at + step + rows.length) % Math.max(1, rows.length));
    }
    const row = rows[at];
    if (event.key === "Enter" && row) {
      event.preventDefault();
      open(row, event.metaKey || event.ctrlKey);
    }
  };

  return (
    <dialog
      ref={element}
      class="palette"
      aria-label="Command palette"
      onClose={() => closeOverlay("palette")}
      onClick={(event) => event.target === element.current && closeOverlay("palette")}
    >
      <div class="palettebody">
        <div class="pin">
          <Icon name="search" class="t3" />
          <input
            role="combobox"
            aria-label="Find a task, a run or something to do"
            aria-expanded="true"
            aria-controls={`${id}-list`}
            aria-activedescendant={rows.length > 0 ? `${id}-${at}` : undefined}
            placeholder="Find a task, a run, a page, something to do"
            spellcheck={false}
            autoComplete="off"
            value={text}
            onInput={(event) => {
              setText(event.currentTarget.value);
              setChosen(0);
            }}
            onKeyDown={onKeyDown}
          />
          <EnvTag environment={place.environment} />
        </div>
        <div class="menu plist" id={`${id}-list`} role="listbox" aria-label="Results">
          {rows.length === 0 && <p class="lab">Nothing is called “{text}” here.</p>}
          {rows.map((row, index) => (
            <>
              {row.group !== rows[index - 1]?.group && (
                <div key={row.group} class="lab" role="presentation">
                  {row.group}
                </div>
              )}
              <div
                key={row.key}
                id={`${id}-${index}`}
                class={`it${index === at ? " is-hover" : ""}`}
                role="option"
                tabIndex={-1}
                aria-selected={index === at}
                onMouseMove={() => index !== at && setChosen(index)}
                onClick={(event) => open(row, event.metaKey || event.ctrlKey)}
              >
                {row.mark}
                <span class="clip">
                  {row.title} {row.note && <span class="t3">{row.note}</span>}
                </span>
                <span class="end row g2 t3 small">
                  {row.end}
                  {index === at && !row.end && (
                    <>
                      Open <Kbd keys="enter" />
                    </>
                  )}
                </span>
              </div>
            </>
          ))}
        </div>
        <div class="pfoot" aria-hidden="true">
          <span class="row g3">
            <Kbd keys="up" />
            <Kbd keys="down" /> choose
          </span>
          <span class="row g3">
            <Kbd keys="enter" /> open
          </span>
          <span class="row g3">
            <Kbd keys="mod+enter" /> new tab
          </span>
          <span class="row g3 end">
            <Kbd keys="esc" /> close
          </span>
        </div>
      </div>
    </dialog>
  );
}
