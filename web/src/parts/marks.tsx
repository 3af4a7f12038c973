/** Small marks that many pages show: language, environment, run id, kind of task, keys. */

import type { Environment, EnvironmentSlug, Language, TaskKind } from "../data/types";
import { plain, splitId } from "./format";
import { Icon, type IconName } from "./icon";

const LANGUAGES: Record<Language, [string, string]> = { typescript: ["ts", "TypeScript"], python: ["py", "Python"] };

export function Lang({ language }: { language: Language | null }) {
  if (language === null) return null;
  const [mark, name] = LANGUAGES[language];
  return (
    <abbr class="lang" title={name}>
      {mark}
    </abbr>
  );
}

const ENVIRONMENTS: Record<EnvironmentSlug, { look: string; icon: IconName }> = {
  dev: { look: "e-dev", icon: "env-dev" },
  stg: { look: "e-staging", icon: "env-staging" },
  preview: { look: "e-preview", icon: "env-preview" },
  prod: { look: "e-prod", icon: "env-prod" },
};

export const envLook = (slug: EnvironmentSlug): string => ENVIRONMENTS[slug].look;
export const envIcon = (slug: EnvironmentSlug): IconName => ENVIRONMENTS[slug].icon;

export function EnvTag({ environment }: { environment: Environment }) {
  const { look, icon } = ENVIRONMENTS[environment.slug];
  return (
    <span class={`envtag ${look}`}>
      <Icon name={icon} size={14} />
      {environment.name}
    </span>
  );
}

const KINDS: Record<TaskKind, [IconName, string]> = {
  standard: ["task", "Task"],
  scheduled: ["scheduled", "Scheduled task"],
  agent: ["agent", "Chat agent"],
  webhook: ["webhooks", "Webhook"],
};

export function KindIcon({ kind }: { kind: TaskKind }) {
  const [icon, word] = KINDS[kind];
  return (
    <span class="kind" title={word}>
      <Icon name={icon} class="t3" />
    </span>
  );
}

/** What a task says about itself, on one line. */
export function Description({ text }: { text: string | null }) {
  if (text === null) return null;
  const words = plain(text);
  return (
    <span class="about t3 clip" title={words}>
      {words}
    </span>
  );
}

/** A path that does not fit loses its middle: the file is what one looks for. */
export function FilePath({ path }: { path: string }) {
  const at = path.lastIndexOf("/");
  return (
    <span class="path mono t3" title={path}>
      {at > 0 && <span class="clip">{path.slice(0, at)}</span>}
      <span class="clip">{at > 0 ? path.slice(at) : path}</span>
    </span>
  );
}

/** The prefix all ids share is quiet, the part that differs is not. */
export function RunId({ id, class: extra = "" }: { id: string; class?: string }) {
  const [prefix, own] = splitId(id);
  return (
    <span class={`id ${extra}`.trim()}>
      <span class="pre">{prefix}</span>
      <span>{own}</span>
    </span>
  );
}

const isMac = typeof navigator !== "undefined" && /Mac|iPhone|iPad/.test(navigator.platform);
const CAPS: Record<string, IconName> = { enter: "return", up: "arrow-up", down: "arrow-down" };

function Cap({ cap }: { cap: string }) {
  const icon = CAPS[cap];
  if (icon) return <Icon name={icon} />;
  if (cap === "esc") return <>Esc</>;
  if (cap === "shift") return isMac ? <Icon name="shift" /> : <>Shift </>;
  if (cap === "mod") return isMac ? <Icon name="cmd" /> : <>Ctrl </>;
  return <>{cap.length === 1 ? cap.toUpperCase() : cap}</>;
}

/** One chord (`mod+k`) as one cap. A sequence (`g r`) is several: see the help sheet. */
export function Kbd({ keys }: { keys: string }) {
  return (
    <kbd aria-hidden="true">
      {(keys === "+" ? [keys] : keys.split("+")).map((cap) => (
        <Cap key={cap} cap={cap} />
      ))}
    </kbd>
  );
}
