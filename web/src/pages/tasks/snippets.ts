/** The commands and lines of code that the pages show, with this box's address and this project filled in. */

import { NPM_CLI } from "../../data/npm-cli";
import type { Language } from "../../data/types";

export type Installer = "npm" | "pnpm" | "yarn" | "bun" | "uv" | "pip";

export const INSTALLERS: Record<Language, Installer[]> = {
  typescript: ["npm", "pnpm", "yarn", "bun"],
  python: ["uv", "pip"],
};

const NPM_RUN: Record<string, string> = { npm: "npx", pnpm: "pnpm dlx", yarn: "yarn dlx", bun: "bunx" };

export interface Step {
  title: string;
  commands: string[];
  hint: string;
}

export function firstSteps(language: Language, installer: Installer, apiUrl: string, ref: string): Step[] {
  return language === "python" ? pythonSteps(installer, apiUrl, ref) : typescriptSteps(installer, apiUrl, ref);
}

function typescriptSteps(installer: Installer, apiUrl: string, ref: string): Step[] {
  const run = `${NPM_RUN[installer] ?? "npx"} ${NPM_CLI}`;
  return [
    {
      title: "Log in from your terminal",
      commands: [`${run} login -a ${apiUrl}`],
      hint: "Opens this box in your browser; you allow it with one click.",
    },
    {
      title: "Add it to your project",
      commands: [`${run} init -p ${ref} -a ${apiUrl}`],
      hint: "Writes trigger.config.ts and an example task in src/trigger.",
    },
    { title: "Start the dev process", commands: [`${run} dev -a ${apiUrl}`], hint: "" },
  ];
}

function pythonSteps(installer: Installer, apiUrl: string, ref: string): Step[] {
  const add = installer === "uv" ? 'uv add "trigger-box[cli]"' : 'pip install "trigger-box[cli]"';
  const run = installer === "uv" ? "uv run trigger-box" : "trigger-box";
  return [
    {
      title: "Install it and log in",
      commands: [add, `${run} login -a ${apiUrl}`],
      hint: "Opens this box in your browser; you allow it with one click.",
    },
    {
      title: "Add it to your project",
      commands: [`${run} init -p ${ref}`],
      hint: "Writes the configuration, an example task and its test.",
    },
    { title: "Start the dev process", commands: [`${run} dev`], hint: "" },
  ];
}

/** One call that triggers a task, split in kinds for colouring. */
export type Piece = [kind: "" | "cw" | "cf" | "cp" | "cs", text: string];

export function triggerCall(language: Language, task: string): Piece[] {
  const id: Piece = ["cs", JSON.stringify(task)];
  if (language === "python") {
    return [
      ["cw", "await"],
      ["", " tasks."],
      ["cf", "trigger"],
      ["cp", "("],
      id,
      ["cp", ", {"],
      ["cp", "…"],
      ["cp", "})"],
    ];
  }
  return [["cw", "await"], ["", " tasks."], ["cf", "trigger"], ["cp", "("], id, ["cp", ", { … });"]];
}
