/** The filter bar, and on phones the four views one needs on call. */

import { counts } from "../../data/counts";
import type { RunCounts } from "../../data/types";
import { Segments, Switch } from "../../parts/buttons";
import { count } from "../../parts/format";
import { ACTIVE_STATUSES, FAILED_STATUSES, QUEUED_STATUSES } from "../../parts/statuses";
import { FilterChip, FilterMenu } from "./filter-menu";
import { activeFilters, chipWords, isFiltered, type RunFilters, withFilter, withoutFilters } from "./filters";
import { TimeMenu } from "./time-menu";

interface Props {
  filters: RunFilters;
  onChange: (filters: RunFilters) => void;
  openTime: number;
  openFilter: number;
  isShownOnPhone: boolean;
}

export function FilterBar({ filters, onChange, openTime, openFilter, isShownOnPhone }: Props) {
  return (
    <div class={`bar${isShownOnPhone ? " stay" : ""}`}>
      <TimeMenu filters={filters} onChange={onChange} openCount={openTime} />
      {activeFilters(filters).map((facts) => (
        <FilterChip
          key={facts.name}
          facts={facts}
          filters={filters}
          words={chipWords(filters, facts)}
          onChange={onChange}
        />
      ))}
      <FilterMenu filters={filters} onChange={onChange} openCount={openFilter} />
      {isFiltered(filters) && (
        <button type="button" class="btn ghost sm" onClick={() => onChange(withoutFilters(filters))}>
          Clear all
        </button>
      )}
      <span class="end">
        <Switch
          label="Root only"
          isOn={filters.rootOnly}
          onChange={(rootOnly) => onChange({ ...filters, rootOnly, cursor: null })}
        />
      </span>
    </div>
  );
}

const VIEWS: { value: "all" | keyof RunCounts; label: string; statuses: string[] }[] = [
  { value: "all", label: "All", statuses: [] },
  { value: "active", label: "Active", statuses: ACTIVE_STATUSES },
  { value: "failed", label: "Failed", statuses: FAILED_STATUSES },
  { value: "queued", label: "Queued", statuses: QUEUED_STATUSES },
];

export function PhoneChips({ filters, onChange }: { filters: RunFilters; onChange: (filters: RunFilters) => void }) {
  const statuses = filters.values.status.join();
  const current = VIEWS.find((view) => view.statuses.join() === statuses)?.value;
  return (
    <div class="mchips mob">
      <Segments
        name="Runs to show"
        value={current ?? "none"}
        options={VIEWS.map(({ value, label }) => ({
          value,
          label: (
            <>
              {label} {value !== "all" && counts.value && <span class="count">{count(counts.value[value])}</span>}
            </>
          ),
        }))}
        onChange={(value) =>
          onChange(withFilter(filters, "status", VIEWS.find((view) => view.value === value)?.statuses ?? []))
        }
      />
    </div>
  );
}
