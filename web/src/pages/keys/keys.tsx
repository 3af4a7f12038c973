/** The key of an environment: masked until one asks, and the variables a program needs to use it. */

import { useState } from "preact/hooks";
import { Head } from "../../app/head";
import { usePlace } from "../../app/place";
import { say } from "../../app/toasts";
import { ApiError, api } from "../../data/api";
import { useResource } from "../../data/resource";
import { session } from "../../data/session";
import { CopyButton, Segments } from "../../parts/buttons";
import { Icon } from "../../parts/icon";
import { EnvTag } from "../../parts/marks";
import { Failed, SkeletonLines } from "../../parts/states";

type Form = "env" | "shell" | "docker";

const FORMS: { value: Form; label: string }[] = [
  { value: "env", label: ".env" },
  { value: "shell", label: "Shell" },
  { value: "docker", label: "Docker" },
];

export function variables(form: Form, apiUrl: string, key: string): string[] {
  const pairs: [string, string][] = [
    ["TRIGGER_API_URL", apiUrl],
    ["TRIGGER_SECRET_KEY", key],
  ];
  if (form === "env") return pairs.map(([name, value]) => `${name}=${value}`);
  if (form === "shell") return pairs.map(([name, value]) => `export ${name}="${value}"`);
  return pairs.map(([name, value]) => `-e ${name}="${value}"`);
}

/** The name and the value in their colours. */
function Line({ line }: { line: string }) {
  const at = line.indexOf("=");
  return (
    <>
      <span class="ck">{line.slice(0, at)}</span>
      <span class="cp">=</span>
      <span class="cs">{line.slice(at + 1)}</span>
      {"\n"}
    </>
  );
}

export default function Keys() {
  const { environment } = usePlace();
  const { id } = environment;
  const root = useResource(id, () => api.rootKey(id));
  const [shown, setShown] = useState<{ id: string; key: string } | null>(null);
  const [form, setForm] = useState<Form>("env");
  const key = shown?.id === id ? shown.key : null;
  const facts = root.data.value;

  const reveal = async (): Promise<string> => {
    if (key !== null) return key;
    const answer = await api.revealRootKey(id);
    return answer.key;
  };
  const toggle = async () => {
    try {
      setShown(key === null ? { id, key: await reveal() } : null);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      say("bad", error.message);
    }
  };
  const lines = variables(form, session.value?.box.apiUrl ?? "", key ?? facts?.obfuscated ?? "");
  return (
    <>
      <Head title="API keys" live={null} />
      <div class="scroll" tabIndex={0} role="region" aria-label="API keys">
        <div class="set">
          <section class="setsec">
            <h2>
              Root key <EnvTag environment={environment} />
            </h2>
            <p>
              It may do everything in this environment: trigger, read, cancel.{" "}
              {environment.slug === "dev" && "In development each member has one. "}
              Give it to programs you trust, as a variable, never in code.
            </p>
            {facts === null && root.error.value && (
              <Failed what="The key" error={root.error.value} onRetry={root.reload} />
            )}
            {facts === null && !root.error.value && <SkeletonLines lines={2} />}
            {facts && (
              <div class="secret">
                <span class={key === null ? "t2" : ""}>{key ?? facts.obfuscated}</span>
                <span class="end row g2">
                  <button type="button" class="btn sm" aria-pressed={key !== null} onClick={toggle}>
                    <Icon name={key === null ? "eye" : "eye-off"} size={14} />
                    {key === null ? "Reveal" : "Hide"}
                  </button>
                  <CopyButton text={reveal} name="Copy the root key" label="Copy" class="btn sm" size={14} />
                </span>
              </div>
            )}
          </section>
          {facts && (
            <section class="setsec">
              <h2>
                Set environment variables
                <span class="end">
                  <Segments name="Form" value={form} options={FORMS} onChange={setForm} />
                </span>
              </h2>
              <p>Where your own program runs, so that it triggers tasks in {environment.name}.</p>
              <div class="code">
                <pre class="told" tabIndex={0} role="region" aria-label="Variables">
                  {lines.map((line) => (
                    <Line key={line} line={line} />
                  ))}
                </pre>
                <div class="tools">
                  <CopyButton
                    text={async () =>
                      variables(form, session.value?.box.apiUrl ?? "", await reveal()).join(
                        form === "docker" ? " " : "\n",
                      )
                    }
                    name="Copy the variables with the key"
                    size={14}
                  />
                </div>
              </div>
              <p class="hint">Copy takes the whole key, also while it is hidden.</p>
            </section>
          )}
        </div>
      </div>
    </>
  );
}
