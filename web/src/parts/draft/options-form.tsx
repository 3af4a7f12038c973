/** The options of a run to be triggered. Empty means: as the task says (for a replay: as before). */

import { useId } from "preact/hooks";
import type { TaskPage } from "../../data/types";
import { SelectField, TagsField, TextField } from "../fields";
import { named } from "../format";
import { type Draft, type OptionName, optionFaults } from "./draft";

const TAGS_MAX = 10;
/** What the box gives a run in development that says nothing itself: nobody wants it tomorrow. */
const DEV_TTL = "10m";
const MACHINES: [name: string, size: string][] = [
  ["micro", "0.25 CPU, 0.25 GB"],
  ["small-1x", "0.5 CPU, 0.5 GB"],
  ["small-2x", "1 CPU, 1 GB"],
  ["medium-1x", "1 CPU, 2 GB"],
  ["medium-2x", "2 CPU, 4 GB"],
  ["large-1x", "4 CPU, 8 GB"],
  ["large-2x", "8 CPU, 16 GB"],
];

interface Props {
  draft: Draft;
  onDraft: (draft: Draft) => void;
  task: TaskPage | null;
  isDev: boolean;
  /** What an empty field stands for: `current`, `as before`. */
  asBefore?: boolean;
}

export function OptionsForm({ draft, onDraft, task, isDev, asBefore = false }: Props) {
  const id = useId();
  const faults = optionFaults(draft.options);
  const set = (name: OptionName) => (value: string) =>
    onDraft({ ...draft, options: { ...draft.options, [name]: value } });
  const text = (name: OptionName) => ({
    value: draft.options[name],
    onValue: set(name),
    fault: faults[name] ?? null,
    spellcheck: false,
    autoComplete: "off",
  });
  const plain = (words: string) => (asBefore ? "as before" : words);
  const running =
    task && !asBefore
      ? `${named(task.queue.replace(/^task\//, ""))}, ${task.queueRunning}${task.queueLimit === null ? "" : ` of ${task.queueLimit}`} running`
      : "as before";
  return (
    <div class="form pad">
      {!isDev && (
        <SelectField
          label="Version"
          value={draft.options.version}
          onValue={set("version")}
          options={[
            { value: "", label: task?.version ? `${task.version}, current` : "current" },
            ...(task?.versions ?? [])
              .filter((version) => version !== task?.version)
              .map((version) => ({ value: version, label: version })),
          ]}
        />
      )}
      <SelectField
        label="Machine"
        value={draft.options.machine}
        onValue={set("machine")}
        options={[
          { value: "", label: plain(task?.machine ? `${task.machine}, as the task says` : "as the task says") },
          ...MACHINES.map(([name, size]) => ({ value: name, label: `${name}, ${size}` })),
        ]}
      />
      <TextField label="Queue" {...text("queue")} placeholder={running} list={`${id}-queues`} />
      <datalist id={`${id}-queues`}>
        {task?.queues.map((queue) => (
          <option key={queue} value={queue} />
        ))}
      </datalist>
      <TextField label="Concurrency key" {...text("concurrencyKey")} placeholder={plain("None")} />
      <div class="f2">
        <TextField label="Delay" {...text("delay")} placeholder="None" />
        <TextField label="TTL" {...text("ttl")} placeholder={task?.ttl ?? (isDev ? DEV_TTL : "None")} />
      </div>
      <div class="f2">
        <TextField
          label="Max attempts"
          inputMode="numeric"
          {...text("maxAttempts")}
          placeholder={plain(task?.maxAttempts?.toString() ?? "task's")}
        />
        <TextField
          label="Max duration"
          aside="sec"
          inputMode="numeric"
          {...text("maxDuration")}
          placeholder={plain(task?.maxDurationS?.toString() ?? "No limit")}
        />
      </div>
      <TextField label="Priority" aside="seconds ahead" inputMode="numeric" {...text("priority")} placeholder="0" />
      <div>
        <div class="keyrow">
          <TextField label="Idempotency key" {...text("idempotencyKey")} placeholder="None" />
          <TextField label="for" {...text("idempotencyKeyTTL")} placeholder="30d" />
        </div>
        {asBefore && <p class="hint">Not taken over, or nothing would run.</p>}
      </div>
      <TagsField label="Tags" tags={draft.tags} max={TAGS_MAX} onTags={(tags) => onDraft({ ...draft, tags })} />
    </div>
  );
}
