/** The foot of the list: what part of it one sees, how far behind it is, and the pages. */

import { boxNow } from "../../data/clock";
import type { RunsPage } from "../../data/types";
import { count, zoneName } from "../../parts/format";
import { Kbd } from "../../parts/marks";
import { type RunFilters, windowWords } from "./filters";

function Part({ page, filters }: { page: RunsPage; filters: RunFilters }) {
  const total = `${count(page.total)}${page.isTotalFloor ? "+" : ""}`;
  if (page.runs.length === 0) return <span class="num">0 runs</span>;
  return (
    <span class="num">
      {filters.cursor === null ? `1–${count(page.runs.length)} of ${total}` : `${count(page.runs.length)} of ${total}`}
    </span>
  );
}

interface Props {
  page: RunsPage | null;
  filters: RunFilters;
  onTurn: (cursor: string | null) => void;
}

export function Foot({ page, filters, onTurn }: Props) {
  return (
    <div class="foot-bar">
      {page && <Part page={page} filters={filters} />}
      <span class="clip">
        {windowWords(filters, boxNow())}, {zoneName()}
      </span>
      <span class="end row g3">
        <button type="button" class="btn sm" disabled={!page?.previous} onClick={() => onTurn(page?.previous ?? null)}>
          Previous
          <Kbd keys="shift+k" />
        </button>
        <button type="button" class="btn sm" disabled={!page?.next} onClick={() => onTurn(page?.next ?? null)}>
          Next
          <Kbd keys="shift+j" />
        </button>
      </span>
    </div>
  );
}
