/** The head of the run page: which run, how it is, what one can do with it. */

import { pageHref, runHref } from "../../app/address";
import { usePlace } from "../../app/place";
import { say } from "../../app/toasts";
import { boxNow } from "../../data/clock";
import type { RunPage, TraceNode } from "../../data/types";
import { CopyButton, copyText } from "../../parts/buttons";
import { Icon } from "../../parts/icon";
import { LiveMark } from "../../parts/live-mark";
import { Kbd, KindIcon, Lang, RunId } from "../../parts/marks";
import { Menu, MenuItem } from "../../parts/menu";
import { StatusBadge } from "../../parts/status";
import { isFinal } from "../../parts/statuses";
import { asJsonLines, asMarkdown, download } from "./export";

interface Props {
  id: string;
  page: RunPage | null;
  nodes: TraceNode[];
  previous: string | null;
  next: string | null;
  onReplay: () => void;
  onCancel: () => void;
}

function ExportItems({ page, nodes, close }: { page: RunPage; nodes: TraceNode[]; close: () => void }) {
  const { id } = page.run;
  const markdown = () => asMarkdown(page, nodes, boxNow());
  return (
    <>
      <MenuItem
        onSelect={async () => {
          close();
          if (await copyText(markdown())) say("ok", "Copied as text");
        }}
      >
        <Icon name="sparkle" />
        Copy for AI
      </MenuItem>
      <MenuItem
        onSelect={() => {
          close();
          download(`${id}.md`, markdown(), "text/markdown");
        }}
      >
        <Icon name="file" />
        Download as text
      </MenuItem>
      <MenuItem
        onSelect={() => {
          close();
          download(`${id}.jsonl`, asJsonLines(nodes), "application/x-ndjson");
        }}
      >
        <Icon name="code" />
        Download trace as JSON lines
      </MenuItem>
    </>
  );
}

function Neighbour({ id, icon, name }: { id: string | null; icon: "arrow-up" | "arrow-down"; name: string }) {
  const place = usePlace();
  if (id === null) {
    return (
      <button type="button" class="btn icon" disabled aria-label={name} title={`${name}: open this run from the list`}>
        <Icon name={icon} />
      </button>
    );
  }
  return (
    <a class="btn icon" href={runHref(place, id)} aria-label={name} title={name}>
      <Icon name={icon} />
    </a>
  );
}

export function RunHead({ id, page, nodes, previous, next, onReplay, onCancel }: Props) {
  const place = usePlace();
  const run = page?.run ?? null;
  const isRunning = run !== null && !isFinal(run.status);
  return (
    <header class="head">
      <a class="btn icon ghost mob" href={pageHref(place, "runs")} aria-label="Back to runs">
        <Icon name="arrow-left" />
      </a>
      <a class="crumb" href={pageHref(place, "runs")}>
        Runs
      </a>
      <span class="sep" aria-hidden="true">
        /
      </span>
      <h1 class="row g3" aria-label={id}>
        <span class="mob ptask">
          <b class="bold clip">{run?.task}</b>
        </span>
        <span class="mono runid">
          <RunId id={id} class="cut" />
        </span>
      </h1>
      <CopyButton text={id} name="Copy run id" size={14} class="btn icon sm ghost" />
      {run && <StatusBadge status={run.status} />}
      {run && (
        <span class="row g3 t2 headtask">
          <KindIcon kind={run.taskKind} />
          <span class="clip">{run.task}</span>
          <Lang language={run.language} />
        </span>
      )}
      {isRunning && <LiveMark />}
      {page && run && (
        <div class="acts">
          <span class="group">
            <Neighbour id={previous} icon="arrow-up" name="Previous run in the list" />
            <Neighbour id={next} icon="arrow-down" name="Next run in the list" />
          </span>
          <Menu
            label={
              <>
                <Icon name="download" />
                Export
              </>
            }
            look="btn ghost"
            name="Export"
            side="end"
          >
            {(close) => <ExportItems page={page} nodes={nodes} close={close} />}
          </Menu>
          {run.isCancellable && (
            <button type="button" class="btn danger" onClick={onCancel}>
              <Icon name="cancel" />
              Cancel
              <Kbd keys="c" />
            </button>
          )}
          <button type="button" class={`btn${run.isCancellable ? "" : " primary"}`} onClick={onReplay}>
            <Icon name="replay" />
            Replay
            <Kbd keys="r" />
          </button>
        </div>
      )}
    </header>
  );
}
