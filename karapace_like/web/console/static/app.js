// The shell: who is logged in, the navigation, the theme, the keyboard, and the view that the address names.

import { html, render, Session, useCallback, useEffect, useState } from "./base.js";
import { authentication, get } from "./api.js";
import { Help, useKeyboard } from "./keyboard.js";
import { Login } from "./login.js";
import { link, useAddress } from "./router.js";
import { Empty, Page, Problem } from "./ui.js";
import { VIEWS } from "./views.js";

const THEME = "console.theme";

function useTheme() {
  const [theme, setTheme] = useState(
    () => localStorage.getItem(THEME) ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light"),
  );
  useEffect(() => {
    document.documentElement.dataset.theme = theme;
  }, [theme]);
  const toggle = () => {
    const other = theme === "dark" ? "light" : "dark";
    localStorage.setItem(THEME, other);
    setTheme(other);
  };
  return [theme, toggle];
}

function useSession() {
  const [state, setState] = useState({ isLoading: true });
  const load = useCallback(async () => {
    try {
      setState({ session: await get("/console/caller") });
    } catch (error) {
      setState(error.status === 401 ? { wantsLogin: true, error } : { error });
    }
  }, []);
  useEffect(() => {
    authentication.watch(() => setState((before) => (before.session ? { ...before, wantsLogin: true } : before)));
    load();
  }, []);
  return [state, load];
}

function Navigation({ session, selected }) {
  const shown = VIEWS.filter((view) => view.title && (!view.needs || session.serves.includes(view.needs)));
  return html`<nav class="nav" aria-label="Views">
    ${shown.map(
      (view) => html`<a href=${link([view.name])} aria-current=${view.name === selected ? "page" : undefined}>
        ${view.title}
      </a>`,
    )}
    ${session.serves.includes("docs") && html`<a class="outside" href="docs">API</a>`}
  </nav>`;
}

function Shell({ session, reload }) {
  const address = useAddress();
  const [theme, toggleTheme] = useTheme();
  const [isHelpShown, showHelp] = useState(false);
  const served = VIEWS.filter((view) => !view.needs || session.serves.includes(view.needs));
  useKeyboard(served, () => showHelp(true));
  const name = address.path[0] ?? served[0].name;
  const view = served.find((each) => each.name === name);
  useEffect(() => {
    document.querySelector("main")?.scrollTo(0, 0);
  }, [address.path.join("/")]);
  return html`<${Session.Provider} value=${{ ...session, reload }}>
    <a class="skip" href="#main" onClick=${focusMain}>Skip to the content</a>
    <header class="top">
      <a class="brand" href=${link([])}>Console</a>
      <${Navigation} session=${session} selected=${name} />
      <div class="top-end">
        ${!session.writes && html`<span class="badge" title="Changes are not offered here.">read-only</span>`}
        <a class="who" href=${link(["me"])}>${session.principal || "no log-in needed"}</a>
        <button type="button" class="quiet" onClick=${toggleTheme} aria-label=${`Switch to the ${theme === "dark" ? "light" : "dark"} theme`}>
          ${theme === "dark" ? "☀" : "☾"}
        </button>
        <button type="button" class="quiet" onClick=${() => showHelp(true)} aria-label="Keyboard and help">?</button>
      </div>
    </header>
    <main id="main" tabindex="-1">
      ${view
        ? html`<${view.component} key=${name} path=${address.path.slice(1)} query=${address.query} />`
        : html`<${Page} title="Nothing here"><${Empty}>
            No view has this address, or this listener does not serve it. <a href=${link([])}>Go to the start</a>.
          <//><//>`}
    </main>
    ${isHelpShown && html`<${Help} views=${served} onClose=${() => showHelp(false)} />`}
  <//>`;
}

function focusMain(event) {
  event.preventDefault();
  document.querySelector("main").focus();
}

function Console() {
  const [state, load] = useSession();
  if (state.wantsLogin) return html`<${Login} error=${state.error} onDone=${load} />`;
  if (state.error) return html`<main><${Problem} error=${state.error} retry=${load} /></main>`;
  if (!state.session) return html`<main><p class="empty" role="status">Loading…</p></main>`;
  return html`<${Shell} session=${state.session} reload=${load} />`;
}

const app = document.getElementById("app");
app.textContent = "";
render(html`<${Console} />`, app);
