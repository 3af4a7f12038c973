/** The table of tasks: what runs now, the last day, the last run. */

import { runsHref, testHref } from "../../app/address";
import { usePlace } from "../../app/place";
import type { TaskRow } from "../../data/types";
import { CopyButton } from "../../parts/buttons";
import { count, named, percent, plain } from "../../parts/format";
import { Icon } from "../../parts/icon";
import { Description, FilePath, KindIcon, Lang } from "../../parts/marks";
import { SkeletonRows } from "../../parts/states";
import { StatusGlyph } from "../../parts/status";
import { Ago } from "../../parts/time";
import { Activity, LEGEND } from "./activity";

const WARN_QUEUED = 50;
const WARN_RATIO = 0.98;
const BAD_RATIO = 0.9;
export const COLUMNS = 8;

function Figure({ value, warn = false }: { value: number; warn?: boolean }) {
  if (value === 0) return <td class="r num empty">–</td>;
  return <td class={`r num ${warn ? "warnc" : "t1"}`}>{count(value)}</td>;
}

function Success({ ratio }: { ratio: number | null }) {
  if (ratio === null) return <td class="r num empty">–</td>;
  const look = ratio < BAD_RATIO ? "bad" : ratio < WARN_RATIO ? "warnc" : "";
  return <td class={`r num ${look}`}>{percent(ratio)}</td>;
}

function Row({ task }: { task: TaskRow }) {
  const place = usePlace();
  return (
    <tr>
      <td>
        <span class="withroom">
          <span class="row g3">
            <KindIcon kind={task.kind} />
            <a
              class="task clip rowlink"
              href={runsHref(place, { task: task.id })}
              title={task.description === null ? task.id : `${named(task.id)}: ${plain(task.description)}`}
            >
              {task.id}
            </a>
            <Lang language={task.language} />
          </span>
          <Description text={task.description} />
        </span>
      </td>
      <td>
        <span class="row g2">
          <FilePath path={task.filePath} />
          <span class="act">
            <CopyButton text={task.filePath} name={`Copy path of ${task.id}`} size={14} />
          </span>
        </span>
      </td>
      <Figure value={task.runningCount} />
      <Figure value={task.queuedCount} warn={task.queuedCount >= WARN_QUEUED} />
      <td class="pl24">
        <Activity hours={task.hours} />
      </td>
      <td>
        {task.lastRun ? (
          <span class="row g3">
            <StatusGlyph status={task.lastRun.status} />
            <Ago atMs={task.lastRun.createdAtMs} />
          </span>
        ) : (
          <span class="t3">Never</span>
        )}
      </td>
      <Success ratio={task.successRatio} />
      <td>
        <span class="act row g2">
          <a class="btn sm" href={testHref(place, task.id)} aria-label={`Test ${task.id}`}>
            <Icon name="play" size={14} />
            Test
          </a>
          <a class="btn sm" href={runsHref(place, { task: task.id })} aria-label={`Runs of ${task.id}`}>
            Runs
          </a>
        </span>
      </td>
    </tr>
  );
}

export function TaskTable({ tasks, isLoading }: { tasks: TaskRow[]; isLoading: boolean }) {
  return (
    <table class="tbl wide folds tasks tall" aria-busy={isLoading}>
      <colgroup>
        <col class="c-task" />
        <col />
        <col class="c-figure" />
        <col class="c-figure" />
        <col class="c-acts" />
        <col class="c-last" />
        <col class="c-success" />
        <col class="c-do" />
      </colgroup>
      <thead>
        <tr>
          <th scope="col">Task</th>
          <th scope="col">File</th>
          <th scope="col" class="r">
            Running
          </th>
          <th scope="col" class="r">
            Queued
          </th>
          <th scope="col" class="pl24">
            Last 24 hours
          </th>
          <th scope="col">Last run</th>
          <th scope="col" class="r">
            Success
          </th>
          <th scope="col">
            <span class="vh">Actions</span>
          </th>
        </tr>
      </thead>
      <tbody>
        {isLoading && tasks.length === 0 ? (
          <SkeletonRows rows={6} columns={COLUMNS} />
        ) : (
          tasks.map((task) => <Row key={task.id} task={task} />)
        )}
      </tbody>
    </table>
  );
}

export function Legend() {
  return (
    <div class="legend pad">
      {LEGEND.map(([name, words]) => (
        <span key={name}>
          <i class={`sw s-${name}`} />
          {words}
        </span>
      ))}
      <span class="t3">Each bar is one hour; height is scaled per task</span>
    </div>
  );
}
