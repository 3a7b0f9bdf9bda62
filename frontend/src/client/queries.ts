import { infiniteQueryOptions, keepPreviousData, queryOptions } from "@tanstack/react-query";
import { account } from "./account";
import { api, type IncidentFilter, type JobFilter, type RunFilter } from "./api";
import { type JobEdit, planEdit } from "./edits";
import { type AuditFilter, tenancy } from "./tenancy";
import type { JobRef, Page } from "./types";

/**
 * Every query of the console. A key's first word is the topic the live stream names ("jobs", "runs",
 * "incidents", "endpoints"), so that one event invalidates all that depends on it.
 */
export const paged = {
  initialPageParam: undefined as string | undefined,
  getNextPageParam: (last: Page<unknown>) => last.next_cursor ?? undefined,
  placeholderData: keepPreviousData,
};

export const sessionQuery = queryOptions({
  queryKey: ["session"],
  queryFn: ({ signal }) => api.me(signal),
  staleTime: Number.POSITIVE_INFINITY,
});

export const jobsQuery = (filter: JobFilter) =>
  infiniteQueryOptions({
    ...paged,
    queryKey: ["jobs", "list", filter],
    queryFn: ({ pageParam, signal }) => api.jobs(filter, { limit: 100, cursor: pageParam }, signal),
  });

export const namespacesQuery = queryOptions({
  queryKey: ["jobs", "namespaces"],
  queryFn: ({ signal }) => api.namespaces(signal),
});

export const jobQuery = (namespace: string, name: string) =>
  queryOptions({
    queryKey: ["jobs", "one", namespace, name],
    queryFn: ({ signal }) => api.job(namespace, name, signal),
  });

/**
 * The version an editor starts from. Outside the live topics and never stale: nothing may swap the text under
 * somebody's cursor. Dropped when the editor closes.
 */
export const editJobQuery = (namespace: string, name: string) =>
  queryOptions({
    queryKey: ["edit-job", namespace, name],
    queryFn: ({ signal }) => api.job(namespace, name, signal),
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 0,
  });

export const nextRunsQuery = (namespace: string, name: string, count = 5) =>
  queryOptions({
    queryKey: ["jobs", "next-runs", namespace, name, count],
    queryFn: ({ signal }) => api.nextRuns(namespace, name, count, signal),
  });

export const uptimeQuery = (namespace: string, name: string, days = 30) =>
  queryOptions({
    queryKey: ["jobs", "uptime", namespace, name, days],
    queryFn: ({ signal }) => api.uptime(namespace, name, days, signal),
  });

/** Where a job's badge is never changes: outside the live topics. */
export const badgeQuery = ({ id, namespace, name }: JobRef) =>
  queryOptions({
    queryKey: ["badge", id],
    queryFn: ({ signal }) => api.badge(namespace, name, signal),
    staleTime: Number.POSITIVE_INFINITY,
  });

export const historyQuery = (namespace: string, name: string) =>
  infiniteQueryOptions({
    ...paged,
    queryKey: ["jobs", "history", namespace, name],
    queryFn: ({ pageParam, signal }) =>
      api.history(namespace, name, { limit: 50, cursor: pageParam }, signal),
  });

/** A commit never changes, so neither does what it changed: outside the live topics. */
export const diffQuery = (namespace: string, name: string, commit: string) =>
  queryOptions({
    queryKey: ["diff", namespace, name, commit],
    queryFn: ({ signal }) => api.diff(namespace, name, commit, signal),
    staleTime: Number.POSITIVE_INFINITY,
  });

/** What a change would do now. Asked anew each time somebody looks, and never kept. */
export const changePlanQuery = (change: JobEdit) =>
  queryOptions({
    queryKey: ["plan", change],
    queryFn: ({ signal }) => planEdit(change, signal),
    staleTime: 0,
    gcTime: 0,
  });

export const branchPlanQuery = (ref: string) =>
  queryOptions({
    queryKey: ["jobs", "branch-plan", ref],
    queryFn: ({ signal }) => api.planOf(ref, signal),
    staleTime: 0,
  });

export const repositoryQuery = queryOptions({
  queryKey: ["jobs", "repository"],
  queryFn: ({ signal }) => api.repository(signal),
});

export const documentsQuery = queryOptions({
  queryKey: ["jobs", "documents"],
  queryFn: ({ signal }) => api.documents(signal),
});

export const signersQuery = queryOptions({
  queryKey: ["signers"],
  queryFn: ({ signal }) => api.signers(signal),
  staleTime: Number.POSITIVE_INFINITY,
});

/** `sinceSeconds` stays relative in the key: "the last hour" must not be a new query every second. */
export const runsQuery = (filter: RunFilter, sinceSeconds?: number) =>
  infiniteQueryOptions({
    ...paged,
    queryKey: ["runs", "list", filter, sinceSeconds],
    queryFn: ({ pageParam, signal }) => {
      const since = sinceSeconds ? new Date(Date.now() - sinceSeconds * 1000).toISOString() : filter.since;
      return api.runs({ ...filter, since }, { limit: 50, cursor: pageParam }, signal);
    },
  });

export const runQuery = (id: string) =>
  queryOptions({ queryKey: ["runs", "one", id], queryFn: ({ signal }) => api.run(id, signal) });

export const runOutputQuery = (id: string) =>
  queryOptions({ queryKey: ["runs", "output", id], queryFn: ({ signal }) => api.runOutput(id, signal) });

/** Counted every few minutes: outside the live topics, or each run would have everything counted again. */
export const jobReportQuery = (span: { from: string; to: string }) =>
  infiniteQueryOptions({
    ...paged,
    queryKey: ["reports", "jobs", span],
    queryFn: ({ pageParam, signal }) => api.jobReport(span, pageParam, signal),
  });

export const endpointReportQuery = (span: { from: string; to: string }) =>
  infiniteQueryOptions({
    ...paged,
    queryKey: ["reports", "endpoints", span],
    queryFn: ({ pageParam, signal }) => api.endpointReport(span, pageParam, signal),
  });

export const endpointsQuery = infiniteQueryOptions({
  ...paged,
  queryKey: ["endpoints", "list"],
  queryFn: ({ pageParam, signal }) => api.endpoints({ limit: 100, cursor: pageParam }, signal),
});

export const enrollmentTokensQuery = queryOptions({
  queryKey: ["endpoints", "enrollment-tokens"],
  queryFn: ({ signal }) => api.enrollmentTokens(signal),
});

export const incidentsQuery = (filter: IncidentFilter) =>
  infiniteQueryOptions({
    ...paged,
    queryKey: ["incidents", "list", filter],
    queryFn: ({ pageParam, signal }) => api.incidents(filter, { limit: 50, cursor: pageParam }, signal),
  });

/** For the sidebar's badge: at most 10 are counted, "9+" is shown beyond. */
export const openIncidentsQuery = queryOptions({
  queryKey: ["incidents", "open-count"],
  queryFn: ({ signal }) => api.incidents({ state: "open", top: true }, { limit: 10 }, signal),
  select: (page) => page.items.length,
});

export const incidentQuery = (id: string) =>
  queryOptions({ queryKey: ["incidents", "one", id], queryFn: ({ signal }) => api.incident(id, signal) });

export const tokensQuery = (all: boolean) =>
  infiniteQueryOptions({
    ...paged,
    queryKey: ["tokens", all ? "all" : "own"],
    queryFn: ({ pageParam, signal }) => api.tokens(all, { limit: 50, cursor: pageParam }, signal),
  });

export const authOptionsQuery = queryOptions({
  queryKey: ["auth-options"],
  queryFn: ({ signal }) => account.options(signal),
});

export const signInsQuery = infiniteQueryOptions({
  ...paged,
  queryKey: ["sign-ins"],
  queryFn: ({ pageParam, signal }) => account.signIns({ limit: 50, cursor: pageParam }, signal),
});

export const totpQuery = queryOptions({
  queryKey: ["totp"],
  queryFn: ({ signal }) => account.totp(signal),
});

export const activityQuery = infiniteQueryOptions({
  ...paged,
  queryKey: ["activity"],
  queryFn: ({ pageParam, signal }) => account.activity({ limit: 50, cursor: pageParam }, signal),
});

export const membersQuery = infiniteQueryOptions({
  ...paged,
  queryKey: ["members"],
  queryFn: ({ pageParam, signal }) => tenancy.members({ limit: 100, cursor: pageParam }, signal),
});

export const invitationsQuery = infiniteQueryOptions({
  ...paged,
  queryKey: ["invitations", "list"],
  queryFn: ({ pageParam, signal }) => tenancy.invitations({ limit: 100, cursor: pageParam }, signal),
});

/** What a link in an email leads to. Asked once: the answer only ever becomes "used". */
export const invitationQuery = (token: string) =>
  queryOptions({
    queryKey: ["invitations", "preview", token],
    queryFn: ({ signal }) => tenancy.preview(token, signal),
    staleTime: Number.POSITIVE_INFINITY,
  });

export const currentTenantQuery = queryOptions({
  queryKey: ["tenant"],
  queryFn: ({ signal }) => tenancy.current(signal),
});

export const usageQuery = queryOptions({
  queryKey: ["usage"],
  queryFn: ({ signal }) => tenancy.usage(signal),
});

export const auditQuery = (filter: AuditFilter) =>
  infiniteQueryOptions({
    ...paged,
    queryKey: ["audit", filter],
    queryFn: ({ pageParam, signal }) => tenancy.audit(filter, { limit: 50, cursor: pageParam }, signal),
  });
