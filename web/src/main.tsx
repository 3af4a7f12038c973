import "./style/index.css";
import { render } from "preact";
import { App } from "./app/app";
import { listen } from "./app/shortcuts";
import { showWhole } from "./app/whole";

listen();
showWhole();
const root = document.getElementById("app");
if (root) render(<App />, root);
