/** A run as text for people and for language models, and the trace as JSON lines. Pure. */

import type { RunPage, TraceNode } from "../../data/types";
import { duration, fullTime, named, plain } from "../../parts/format";
import { STATUSES } from "../../parts/statuses";
import { stepsOf } from "./timeline";

const PAYLOAD_MAX = 4000;

const fence = (text: string, kind = "") => `\`\`\`${kind}\n${text}\n\`\`\``;

export function asMarkdown(page: RunPage, nodes: TraceNode[], nowMs: number): string {
  const { run, error, payload, output, attempts } = page;
  const lines = [
    `# Run ${run.id} of task ${named(run.task)}: ${STATUSES[run.status].word}`,
    "",
    `- Created: ${fullTime(run.createdAtMs)}`,
    `- Version: ${run.taskVersion ?? "none"}; queue: ${named(run.queue)}; attempts: ${attempts.length}`,
    run.tags.length > 0 ? `- Tags: ${run.tags.map(named).join(", ")}` : "",
    "",
  ].filter((line, index) => line !== "" || index === 1 || index === 5);
  if (error)
    lines.push(
      "## Error",
      "",
      plain(`${error.name}: ${error.message}`),
      "",
      ...(error.stack ? [fence(plain(error.stack)), ""] : []),
    );
  lines.push(
    "## Timeline",
    "",
    ...stepsOf(page, nowMs)
      .filter((step) => !step.isAhead)
      .map((step) => `- ${step.title}${step.note ? ` (${step.note})` : ""}: ${step.when ?? ""}`),
    "",
  );
  if (payload.text) lines.push("## Payload", "", fence(payload.text.slice(0, PAYLOAD_MAX), "json"), "");
  if (output?.text) lines.push("## Output", "", fence(output.text.slice(0, PAYLOAD_MAX), "json"), "");
  const logs = nodes.filter((node) => node.kind === "log" || node.kind === "error");
  if (logs.length > 0) {
    lines.push(
      "## Logs",
      "",
      fence(
        logs
          .map((node) => `+${duration(node.startMs - run.createdAtMs)} ${node.level ?? "error"} ${plain(node.title)}`)
          .join("\n"),
      ),
      "",
    );
  }
  return lines.join("\n");
}

export function asJsonLines(nodes: TraceNode[]): string {
  return nodes.map((node) => JSON.stringify(node)).join("\n");
}

/** Hand a text to the browser as a file. */
export function download(name: string, text: string, type: string): void {
  const url = URL.createObjectURL(new Blob([text], { type }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 1000);
}
