/** Find runs, watch them, act on one or several. The address holds what is looked for. */

import { type Signal, signal } from "@preact/signals";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { useLocation } from "preact-iso";
import { pageHref, testHref } from "../../app/address";
import { Contained } from "../../app/crash";
import { Head } from "../../app/head";
import { usePlace } from "../../app/place";
import { useCommands } from "../../app/shortcuts";
import { say } from "../../app/toasts";
import { api } from "../../data/api";
import { boxNowOnce } from "../../data/clock";
import { onNews } from "../../data/live";
import { type Resource, useResource } from "../../data/resource";
import type { RunRow, RunsPage } from "../../data/types";
import { copyText, IconButton } from "../../parts/buttons";
import { DevBanner } from "../../parts/dev-banner";
import { count } from "../../parts/format";
import { Icon } from "../../parts/icon";
import { NotLiveBanner } from "../../parts/live-mark";
import { Failed, FailedBar } from "../../parts/states";
import { useRunActions } from "./actions";
import { FilterBar, PhoneChips } from "./bar";
import { NoRuns } from "./empty";
import { isFiltered, type RunFilters, readFilters, timeWords, writeFilters } from "./filters";
import { Foot } from "./foot";
import type { RowActions } from "./row";
import { arrivals, between, newer } from "./rows";
import { SelectionBar } from "./selection-bar";
import { RunsTable } from "./table";

/** One signal per row, so that news redraws one row; made anew with each page that comes. */
function useRows(page: RunsPage | null): Signal<RunRow>[] {
  return useMemo(() => (page?.runs ?? []).map((run) => signal(run)), [page]);
}

interface LiveRows {
  /** How many new runs wait behind the bar. */
  waiting: number;
  /** Bring newer rows in, as from a page that was read again; false where that page must replace this one. */
  takeIn: (fresh: RunRow[]) => boolean;
}

/** Bring news into the rows; count what waits behind the bar. */
function useLiveRows(rows: Signal<RunRow>[], filters: RunFilters, runs: Resource<RunsPage>): LiveRows {
  const [waiting, setWaiting] = useState<ReadonlySet<string>>(new Set());
  const page = runs.data.value;
  useEffect(() => setWaiting(new Set()), [page]);
  const bring = (fresh: RunRow[]) => {
    const byId = new Map(fresh.map((run) => [run.id, run]));
    for (const row of rows) {
      const incoming = byId.get(row.peek().id);
      if (incoming) row.value = newer(row.peek(), incoming);
    }
    const shown = rows.map((row) => row.peek());
    const ids = arrivals(shown, fresh, filters, boxNowOnce());
    if (ids.length > 0 && rows.length > 0) setWaiting((before) => new Set([...before, ...ids]));
    return ids.length;
  };
  useEffect(
    () =>
      onNews((news) => {
        if (news.isGap) return runs.refresh();
        // An empty list has nothing that could jump.
        if (bring(news.runs) > 0 && rows.length === 0) runs.refresh();
      }),
    [rows, filters, runs],
  );
  return {
    waiting: waiting.size,
    takeIn: (fresh) => {
      const ids = new Set(fresh.map((run) => run.id));
      const isWhole = rows.length > 0 && rows.every((row) => ids.has(row.peek().id));
      if (isWhole) bring(fresh);
      return isWhole;
    },
  };
}

/** Move the focus to another row's link; past the end to the next page. */
function moveRow(step: 1 | -1, onEnd: () => void): void {
  const links = [...document.querySelectorAll<HTMLElement>("tr[data-run] a.rowlink")];
  const at = links.findIndex((link) => link.closest("tr")?.contains(document.activeElement));
  const next = at < 0 ? (step === 1 ? 0 : links.length - 1) : at + step;
  const link = links[next];
  if (!link) {
    onEnd();
    return;
  }
  link.focus();
  link.scrollIntoView({ block: "nearest" });
}

const focusedRun = () => document.activeElement?.closest<HTMLElement>("tr[data-run]")?.dataset.run ?? null;

/** `48,214 in the last 7 days` */
function countWords(total: string, filters: RunFilters): string {
  const words = timeWords(filters);
  return words.startsWith("Last") ? `${total} in the ${words.toLowerCase()}` : `${total}, ${words.toLowerCase()}`;
}

export default function Runs() {
  const place = usePlace();
  const { url, path, route } = useLocation();
  const search = url.split("?")[1] ?? "";
  const filters = useMemo(() => readFilters(search), [search]);
  const query = writeFilters(filters);
  const environmentId = place.environment.id;
  const live = useRef<LiveRows | null>(null);
  const runs = useResource(
    `${environmentId}${query}`,
    (abort) => api.runs(environmentId, query, abort),
    (fresh) => live.current?.takeIn(fresh.runs) ?? false,
  );
  const page = runs.data.value;
  const error = runs.error.value;
  const rows = useRows(page);
  live.current = useLiveRows(rows, filters, runs);
  const { waiting } = live.current;
  const showWaiting = runs.reload;
  const [selected, setSelected] = useState<ReadonlySet<string>>(new Set());
  const [isBarShown, setBarShown] = useState(false);
  const [openTime, setOpenTime] = useState(0);
  const [openFilter, setOpenFilter] = useState(0);
  const lastClicked = useRef<string | null>(null);
  const { replay, cancel, dialog } = useRunActions();

  const go = (next: RunFilters) => {
    setSelected(new Set());
    route(`${path}${writeFilters(next)}`);
  };
  const turn = (cursor: string | null | undefined) => cursor && go({ ...filters, cursor });
  const ids = rows.map((row) => row.peek().id);
  // What went out of sight is not acted on, even if it was ticked before.
  const chosen = rows.filter((row) => selected.has(row.peek().id)).map((row) => row.value);
  const chosenIds = chosen.map((run) => run.id);
  const cancellable = chosen.filter((run) => run.isCancellable).map((run) => run.id);
  const target = () => (chosen.length > 0 ? chosenIds : [focusedRun()].filter((id): id is string => id !== null));

  const select: RowActions["select"] = (id, isOn, isRange) => {
    const range = isRange && lastClicked.current ? between(ids, lastClicked.current, id) : [id];
    lastClicked.current = id;
    const next = new Set(chosenIds);
    for (const one of range) isOn ? next.add(one) : next.delete(one);
    setSelected(next);
  };

  /** On phones the bar is hidden until one wants it. */
  const open = (menu: (change: (count: number) => number) => void) => {
    setBarShown(true);
    menu((count) => count + 1);
  };

  useCommands([
    { title: "Next row, then next page", group: "Lists", keys: ["j"], run: () => moveRow(1, () => turn(page?.next)) },
    {
      title: "Previous row, then previous page",
      group: "Lists",
      keys: ["k"],
      run: () => moveRow(-1, () => turn(page?.previous)),
    },
    { title: "Next page", group: "Lists", keys: ["shift+j"], run: () => turn(page?.next) },
    { title: "Previous page", group: "Lists", keys: ["shift+k"], run: () => turn(page?.previous) },
    { title: "Open row", group: "Lists", keys: ["enter"], run: () => focusedRun() && route(`${path}/${focusedRun()}`) },
    {
      title: "Select row",
      group: "Lists",
      keys: ["x"],
      run: () => {
        const id = focusedRun();
        if (id) select(id, !selected.has(id), false);
      },
    },
    { title: "Replay selected", group: "Lists", keys: ["r"], run: () => target().length > 0 && replay(target()) },
    {
      title: "Cancel selected",
      group: "Lists",
      keys: ["c"],
      run: () => {
        const able = rows.map((row) => row.peek()).filter((run) => run.isCancellable && target().includes(run.id));
        if (able.length > 0) cancel(able.map((run) => run.id));
        else if (target().length > 0) say("bad", "Nothing to cancel: these runs are over.");
      },
    },
    { title: "Filter menu", group: "Lists", keys: ["f", "/"], run: () => open(setOpenFilter) },
    { title: "Time range", group: "Lists", keys: ["d"], run: () => open(setOpenTime) },
    { title: "Clear selection", group: "Lists", keys: ["esc"], run: () => setSelected(new Set()) },
    { title: "Show new runs", group: "Lists", keys: ["."], run: () => waiting > 0 && showWaiting() },
    {
      title: "Test a task",
      group: "This page",
      keys: ["n"],
      icon: "play",
      isInPalette: true,
      run: () => route(testHref(place)),
    },
  ]);

  const isDim = runs.isLoading.value && page !== null;
  const total = page ? `${count(page.total)}${page.isTotalFloor ? "+" : ""}` : null;
  return (
    <>
      <Head
        title="Runs"
        count={total === null ? undefined : countWords(total, filters)}
        mobile={
          <IconButton
            icon="filter"
            name={isBarShown ? "Hide filters" : "Filter"}
            onClick={() => setBarShown(!isBarShown)}
          />
        }
      >
        <a class="btn primary" href={testHref(place)}>
          <Icon name="play" />
          Test a task
        </a>
      </Head>
      <NotLiveBanner onReload={runs.reload} />
      {error && page && <FailedBar error={error} onRetry={runs.reload} />}
      <DevBanner />
      <FilterBar
        filters={filters}
        onChange={go}
        openTime={openTime}
        openFilter={openFilter}
        isShownOnPhone={isBarShown}
      />
      <PhoneChips filters={filters} onChange={go} />
      {waiting > 0 && (
        <button type="button" class="newbar" onClick={showWaiting}>
          <Icon name="arrow-up" size={14} />
          {waiting === 1 ? "1 new run" : `${count(waiting)} new runs`}
          <span class="t2 reg">Show</span>
        </button>
      )}
      <Contained what="The list of runs">
        <div class="scroll" tabIndex={0} role="region" aria-label="Runs">
          {page === null && error ? (
            <Failed what="The list of runs" error={error} onRetry={runs.reload} />
          ) : page !== null && page.runs.length === 0 ? (
            <NoRuns
              filters={filters}
              page={page}
              isFiltered={isFiltered(filters)}
              onChange={go}
              testHref={testHref(place)}
              tasksHref={pageHref(place, "tasks")}
            />
          ) : (
            <RunsTable
              rows={page === null ? null : rows}
              selected={new Set(chosenIds)}
              isDim={isDim}
              actions={{ replay, cancel, select }}
              onSelectPage={(isOn) => setSelected(new Set(isOn ? ids : []))}
            />
          )}
        </div>
      </Contained>
      {chosen.length > 0 && (
        <SelectionBar
          count={chosen.length}
          canCancel={cancellable.length > 0}
          onReplay={() => replay(chosenIds)}
          onCancel={() => cancel(cancellable)}
          onCopy={async () => {
            if (await copyText(chosenIds.join("\n"))) say("ok", `${chosen.length} IDs copied`);
          }}
          onClear={() => setSelected(new Set())}
        />
      )}
      <Foot page={page} filters={filters} onTurn={turn} />
      {dialog}
    </>
  );
}
