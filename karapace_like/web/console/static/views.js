// The views, in the order of the navigation; each is named by the first part of its address.

import { Check } from "./views/check.js";
import { Diff } from "./views/diff.js";
import { Subjects } from "./views/subjects.js";
import { Subject } from "./views/subject.js";
import { Me } from "./views/me.js";

/** `needs`: the part of the API without which a view is not there; `title`: absent for what the navigation leaves out. */
export const VIEWS = [
  { name: "subjects", title: "Subjects", needs: "registry", component: Subjects },
  { name: "subject", needs: "registry", component: Subject },
  { name: "check", needs: "registry", component: Check },
  { name: "diff", needs: "registry", component: Diff },
  { name: "me", title: "Who am I", component: Me },
];
