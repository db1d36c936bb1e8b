// Who is logged in, what they may do, and what is served here.

import { html, Session, useContext } from "../base.js";
import { authentication } from "../api.js";
import { Empty, Facts, Page, Section, Table } from "../ui.js";

const METHODS = { password: "a password", token: "a token", certificate: "a client certificate" };

export function Me() {
  const session = useContext(Session);
  const logOut = () => {
    authentication.forget();
    session.reload();
  };
  return html`<${Page}
    title="Who am I"
    actions=${authentication.isEntered && html`<button type="button" onClick=${logOut}>Log out</button>`}
  >
    <${Facts}
      of=${[
        ["Name", session.principal || "nobody: the service asks for no credentials"],
        ["Logged in with", METHODS[session.authenticatedBy]],
        ["Changes", session.writes ? "offered where you have the permission" : "not offered here"],
        ["Served here", session.serves.join(", ")],
        ["Version", session.version],
      ]}
    />
    <${Section} title="What I may do">
      ${!session.accessControl
        ? html`<p>Everything: the service has no access control.</p>`
        : session.grants.length === 0
          ? html`<${Empty}>No grant names you. Ask whoever runs the service for one.<//>`
          : html`<${Table}
              label="Grants"
              rows=${session.grants}
              columns=${[
                { title: "Resources", of: (grant) => html`<code>${grant.resources}</code>` },
                { title: "Operations", of: (grant) => grant.operations.join(", ") },
              ]}
            />`}
    <//>
  <//>`;
}
