// Where people enter their credentials, which stay in this tab.

import { html, useState } from "./base.js";
import { authentication } from "./api.js";
import { Field } from "./ui.js";

const WAYS = [
  ["password", "Password"],
  ["token", "Token"],
  ["certificate", "Certificate"],
];

export function Login({ error, onDone }) {
  const [way, setWay] = useState("password");
  const [isRefused, setRefused] = useState(authentication.isEntered);
  const submit = async (event) => {
    event.preventDefault();
    const entered = new FormData(event.target);
    if (way === "password") authentication.useBasic(entered.get("username"), entered.get("password"));
    else if (way === "token") authentication.useBearer(entered.get("token"));
    else authentication.useCertificate();
    setRefused(true);
    await onDone();
  };
  return html`<main class="login">
    <form onSubmit=${submit}>
      <h1>Log in</h1>
      <fieldset>
        <legend class="hidden">How</legend>
        ${WAYS.map(
          ([name, title]) => html`<label class="choice">
            <input type="radio" name="way" value=${name} checked=${way === name} onChange=${() => setWay(name)} />
            ${title}
          </label>`,
        )}
      </fieldset>
      ${way === "password" &&
      html`<${Field} label="User name"><input name="username" required autocomplete="username" /><//>
        <${Field} label="Password"><input name="password" type="password" required autocomplete="current-password" /><//>`}
      ${way === "token" &&
      html`<${Field} label="Bearer token" hint="Of the issuer that the service trusts.">
        <textarea name="token" rows="5" required spellcheck="false"></textarea>
      <//>`}
      ${way === "certificate" && html`<p>The browser shows its client certificate to the service.</p>`}
      ${isRefused && error && html`<p class="problem" role="alert">${error.message}</p>`}
      <button type="submit" class="primary">Log in</button>
      <p class="muted">The credentials stay in this tab until it is closed.</p>
    </form>
  </main>`;
}
