/** No runs: because none was ever triggered, or because none matches. */

import type { RunsPage } from "../../data/types";
import { Icon } from "../../parts/icon";
import { Empty } from "../../parts/states";
import { type RunFilters, withoutFilters } from "./filters";

interface Props {
  filters: RunFilters;
  page: RunsPage;
  isFiltered: boolean;
  onChange: (filters: RunFilters) => void;
  testHref: string;
  tasksHref: string;
}

export function NoRuns({ filters, page, isFiltered, onChange, testHref, tasksHref }: Props) {
  if (!page.hasAnyRuns) {
    return (
      <Empty
        icon="runs"
        title="No runs yet"
        action={
          <div class="row">
            <a class="btn primary" href={testHref}>
              <Icon name="play" />
              Test a task
            </a>
            <a class="btn" href={tasksHref}>
              See the tasks
            </a>
          </div>
        }
      >
        A run is one execution of a task. Start one from the test page, from your code with{" "}
        <code class="mono">trigger</code>, or on the command line with{" "}
        <code class="mono">trigger-box tasks trigger</code>.
      </Empty>
    );
  }
  const canWiden = filters.period !== "30d" && filters.period !== "all";
  return (
    <Empty
      icon="filter"
      title="No runs match"
      action={
        <div class="row">
          {isFiltered && (
            <button type="button" class="btn" onClick={() => onChange(withoutFilters(filters))}>
              Clear filters
            </button>
          )}
          {canWiden && (
            <button
              type="button"
              class="btn"
              onClick={() => onChange({ ...filters, period: "30d", from: null, to: null, cursor: null })}
            >
              Widen to 30 days
            </button>
          )}
        </div>
      }
    >
      {isFiltered ? "No run in this time fits all the filters above." : "No run was created in this time."}
    </Empty>
  );
}
