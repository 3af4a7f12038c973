/** Payload and metadata to write, with what is wrong below. */

import { useId, useMemo, useState } from "preact/hooks";
import { CopyButton } from "../buttons";
import { plural } from "../format";
import { Icon } from "../icon";
import { JsonEditor } from "../json/editor";
import { pretty } from "../json/parse";
import { example, type Schema } from "../json/schema";
import { Tabs } from "../tabs";
import { changedLines, type Draft, type DraftProblem, words } from "./draft";

interface Props {
  draft: Draft;
  onDraft: (draft: Draft) => void;
  schema: Schema | null;
  schemaName: string | null;
  problems: DraftProblem[];
  /** What was there before, for a replay: changed lines are marked and can be undone. */
  before?: Pick<Draft, "payload" | "metadata">;
  class?: string;
  onShowSchema?: () => void;
}

function ProblemBar({
  problems,
  tab,
  draft,
  onDraft,
  schemaName,
  id,
}: {
  problems: DraftProblem[];
  tab: DraftProblem["where"];
  draft: Draft;
  onDraft: (draft: Draft) => void;
  schemaName: string | null;
  id: string;
}) {
  const [first] = problems;
  if (!first) {
    const fits =
      draft[tab].trim() === ""
        ? tab === "payload"
          ? "No payload"
          : "No metadata"
        : tab === "payload" && schemaName
          ? `Fits the schema of ${schemaName}`
          : "Valid JSON";
    return (
      <div class="prob" id={id} role="status">
        <span class={`row g3 ${draft[tab].trim() === "" ? "t3" : "ok"}`}>
          {draft[tab].trim() !== "" && <Icon name="check" size={14} />}
          {fits}
        </span>
      </div>
    );
  }
  const { fix } = first;
  return (
    <div class="prob" id={id} role="status">
      <Icon name="st-failed" size={14} class="bad" />
      <span class="clip">
        {first.path && <span class="mono">{first.path} </span>}
        {words(first)}
      </span>
      <span class="t3 nowrap">
        Line {first.line}
        {problems.length > 1 && `, and ${problems.length - 1} more`}
      </span>
      {fix && (
        <button
          type="button"
          class="btn sm end"
          onClick={() =>
            onDraft({ ...draft, [tab]: draft[tab].slice(0, first.start) + fix.text + draft[tab].slice(first.end) })
          }
        >
          {fix.label}
        </button>
      )}
    </div>
  );
}

export function PayloadPanel({
  draft,
  onDraft,
  schema,
  schemaName,
  problems,
  before,
  class: extra = "",
  onShowSchema,
}: Props) {
  const id = useId();
  const [tab, setTab] = useState<DraftProblem["where"]>("payload");
  const own = problems.filter((problem) => problem.where === tab);
  const changed = useMemo(() => (before ? changedLines(before[tab], draft[tab]) : undefined), [before, draft, tab]);
  const text = draft[tab];
  const isChanged = before !== undefined && (before.payload !== draft.payload || before.metadata !== draft.metadata);
  const end = (
    <>
      {problems.length > 0 && (
        <span class="row g3 small bad mr4 nomob">
          <Icon name="errors" size={14} />
          {plural(problems.length, "problem")}
        </span>
      )}
      {problems.length === 0 && isChanged && (
        <span class="row g3 small warnc mr4">
          <span class="dot warn" />
          {plural(changed?.size ?? 0, "changed line")}
        </span>
      )}
      {isChanged && (
        <button type="button" class="btn sm ghost" onClick={() => before && onDraft({ ...draft, ...before })}>
          <Icon name="rollback" size={14} />
          <span class="words">Undo</span>
        </button>
      )}
      {schema && tab === "payload" && !before && (
        <button
          type="button"
          class="btn ghost sm"
          onClick={() => onDraft({ ...draft, payload: JSON.stringify(example(schema), null, 2) })}
        >
          <Icon name="code" size={14} />
          <span class="words">Insert example</span>
        </button>
      )}
      {schema && tab === "payload" && onShowSchema && (
        <button type="button" class="btn ghost sm" onClick={onShowSchema}>
          <Icon name="tasks" size={14} />
          <span class="words">Schema</span>
        </button>
      )}
      <button
        type="button"
        class="btn ghost sm"
        title="Lay out the JSON anew"
        onClick={() => onDraft({ ...draft, [tab]: pretty(text) })}
      >
        <Icon name="wrap" size={14} />
        <span class="words">Format</span>
      </button>
      <CopyButton text={text} name={`Copy ${tab}`} />
    </>
  );
  return (
    <>
      <Tabs
        name="What to send"
        value={tab}
        panelId={`${id}-panel`}
        onChange={setTab}
        tabs={[
          { value: "payload", label: "Payload" },
          { value: "metadata", label: "Metadata" },
        ]}
        end={end}
      />
      <div
        id={`${id}-panel`}
        role="tabpanel"
        aria-label={tab === "payload" ? "Payload" : "Metadata"}
        class={`edpanel ${extra}`.trim()}
      >
        <JsonEditor
          key={tab}
          name={tab === "payload" ? "Payload as JSON" : "Metadata as JSON"}
          value={text}
          onValue={(value) => onDraft({ ...draft, [tab]: value })}
          faults={own}
          schema={tab === "payload" ? schema : null}
          {...(changed ? { changedLines: changed } : {})}
          describedBy={`${id}-problem`}
        />
        <ProblemBar
          id={`${id}-problem`}
          problems={own}
          tab={tab}
          draft={draft}
          onDraft={onDraft}
          schemaName={schemaName}
        />
      </div>
    </>
  );
}
