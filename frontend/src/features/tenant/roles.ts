import { ROLES, type Role } from "@/client/types";

const WORDS: Record<Role, string> = {
  viewer: "Viewer",
  editor: "Editor",
  admin: "Admin",
  owner: "Owner",
};

export const MEANINGS: Record<Role, string> = {
  viewer: "Sees jobs, runs and incidents.",
  editor: "Changes jobs as well, and reports runs.",
  admin: "Manages endpoints, alerts, members and settings as well.",
  owner: "Everything, also deleting the tenant or handing it over.",
};

export const roleWord = (role: Role) => WORDS[role];

/** By the session, which knows a role as a word only. */
const rank = (role: string) => (ROLES as readonly string[]).indexOf(role);

/** Those that somebody with this role may give: nobody gives more than they have. */
export const rolesUpTo = (own: string): { value: Role; label: string }[] =>
  ROLES.slice(0, rank(own) + 1).map((value) => ({ value, label: WORDS[value] }));

export const isAbove = (role: Role, own: string) => rank(role) > rank(own);
