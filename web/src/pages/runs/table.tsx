/** The table around the rows. */

import type { ReadonlySignal } from "@preact/signals";
import type { RunRow } from "../../data/types";
import { Tick } from "../../parts/buttons";
import { Icon } from "../../parts/icon";
import { SkeletonRows } from "../../parts/states";
import { Row, type RowActions } from "./row";

const COLUMNS = [
  "check",
  "id",
  "task",
  "status",
  "num",
  "num",
  "num",
  "dur",
  "version",
  "queue",
  "tags",
  "time",
  "menu",
];
const SKELETON_ROWS = 12;

interface Props {
  /** Null while the first page is on its way. */
  rows: ReadonlySignal<RunRow>[] | null;
  selected: ReadonlySet<string>;
  isDim: boolean;
  actions: RowActions;
  onSelectPage: (isOn: boolean) => void;
}

export function RunsTable({ rows, selected, isDim, actions, onSelectPage }: Props) {
  const isAll = rows !== null && rows.length > 0 && selected.size === rows.length;
  return (
    <table class="tbl wide folds runs" aria-busy={rows === null || isDim}>
      <colgroup>
        {COLUMNS.map((name, index) => (
          <col key={index} class={name === "task" ? undefined : `c-${name}`} />
        ))}
      </colgroup>
      <thead>
        <tr>
          <th scope="col">
            <Tick
              isOn={isAll}
              isSome={selected.size > 0 && !isAll}
              isOff={rows === null || rows.length === 0}
              name="Select all on this page"
              onChange={onSelectPage}
            />
          </th>
          <th scope="col">ID</th>
          <th scope="col">Task</th>
          <th scope="col">Status</th>
          <th scope="col" class="r" title="From being queued to being handed to a worker">
            Queued
          </th>
          <th scope="col" class="r" title="From the first start to the end, waits included">
            Run
          </th>
          <th scope="col" class="r" title="Time its code ran, without waits">
            Compute
          </th>
          <th scope="col">
            <span class="vh">Share of time</span>
          </th>
          <th scope="col">Version</th>
          <th scope="col">Queue</th>
          <th scope="col">Tags</th>
          <th scope="col" class="r" aria-sort="descending">
            Created <Icon name="arrow-down" size={12} />
          </th>
          <th scope="col">
            <span class="vh">Actions</span>
          </th>
        </tr>
      </thead>
      <tbody>
        {rows === null ? (
          <SkeletonRows rows={SKELETON_ROWS} columns={COLUMNS.length} />
        ) : (
          rows.map((row) => (
            <Row
              key={row.peek().id}
              source={row}
              isSelected={selected.has(row.peek().id)}
              isDim={isDim}
              actions={actions}
            />
          ))
        )}
      </tbody>
    </table>
  );
}
