// The views, in the order of the navigation; each is named by the first part of its address.

import { Check } from "./views/check.js";
import { ClusterView } from "./views/cluster.js";
import { Connector, Connectors } from "./views/connect.js";
import { Diff } from "./views/diff.js";
import { Group, Groups } from "./views/groups.js";
import { Me } from "./views/me.js";
import { Queue, Queues } from "./views/queues.js";
import { Subject } from "./views/subject.js";
import { Subjects } from "./views/subjects.js";
import { Topic, Topics } from "./views/topics.js";

/** `needs`: the part of the API without which a view is not there; `title`: absent for what the navigation leaves out. */
export const VIEWS = [
  { name: "subjects", title: "Subjects", needs: "registry", component: Subjects },
  { name: "subject", needs: "registry", component: Subject },
  { name: "check", needs: "registry", component: Check },
  { name: "diff", needs: "registry", component: Diff },
  { name: "topics", title: "Topics", needs: "topics", component: Topics },
  { name: "topic", needs: "topics", component: Topic },
  { name: "groups", title: "Groups", needs: "groups", component: Groups },
  { name: "group", needs: "groups", component: Group },
  { name: "queues", title: "Queues", needs: "queues", component: Queues },
  { name: "queue", needs: "queues", component: Queue },
  { name: "connectors", title: "Connectors", needs: "connect", component: Connectors },
  { name: "connector", needs: "connect", component: Connector },
  { name: "cluster", title: "Cluster", component: ClusterView },
  { name: "me", title: "Who am I", component: Me },
];
