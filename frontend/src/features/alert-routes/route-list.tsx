import { Link } from "@tanstack/react-router";
import { CirclePause, CornerRightDown, TriangleAlert } from "lucide-react";
import type { AlertRoute } from "@/client/types";
import { kindWord } from "@/components/domain/incident-words";
import { MatchWords } from "@/components/domain/match-words";
import { Badge, Tag } from "@/components/ui/badge";
import { sentence } from "@/lib/format";
import { timesOf } from "./spec";

const nameClass = "font-medium";

function What({ spec }: { spec: AlertRoute["spec"] }) {
  const { severities = [], incidents = [] } = spec;
  return (
    <span className="inline-flex flex-wrap items-center gap-1">
      <MatchWords match={spec.match} />
      {severities.map((severity) => (
        <Tag key={severity}>{severity}</Tag>
      ))}
      {incidents.map((kind) => (
        <Tag key={kind}>{kindWord(kind).toLowerCase()}</Tag>
      ))}
    </span>
  );
}

function Row({ route, number, edit }: { route: AlertRoute; number: number; edit: boolean }) {
  const { name, spec, enabled, problems, path } = route;
  const times = timesOf(spec);
  return (
    <li className="row-lazy flex gap-3 px-4 py-3 text-sm">
      <span className="tabular w-5 shrink-0 pt-px text-right text-subtle text-xs leading-5">{number}</span>
      <div className="flex min-w-0 flex-1 flex-col gap-1.5">
        <p className="flex flex-wrap items-center gap-x-2 gap-y-1">
          {edit ? (
            <Link
              to="/routes/edit/$name"
              params={{ name }}
              className={`${nameClass} rounded-sm underline-offset-2 hover:text-accent-text hover:underline`}
            >
              {name}
            </Link>
          ) : (
            <span className={nameClass}>{name}</span>
          )}
          {!enabled && <Badge icon={<CirclePause aria-hidden />}>Disabled</Badge>}
          <code className="ml-auto truncate font-mono text-subtle text-xs max-md:hidden">{path}</code>
        </p>
        <p className="flex flex-wrap items-center gap-x-1.5 gap-y-1">
          <What spec={spec} />
          <span className="text-subtle">→</span>
          <span className="font-medium">{spec.channels.join(", ")}</span>
        </p>
        {times.length > 0 && <p className="text-muted text-xs">{sentence(times.join("; "))}</p>}
        {spec.continue === false && enabled && (
          <p className="flex items-center gap-1.5 text-subtle text-xs">
            <CornerRightDown aria-hidden className="size-3.5" />
            Routes below are not tried when this one matches.
          </p>
        )}
        {problems.map((problem) => (
          <p key={problem} className="flex items-start gap-1.5 text-warn text-xs">
            <TriangleAlert aria-hidden className="mt-px size-3.5 shrink-0" />
            <span className="min-w-0 break-words">{sentence(problem)}</span>
          </p>
        ))}
      </div>
    </li>
  );
}

/** In the order in which they are tried. */
export const RouteList = ({ routes, edit }: { routes: AlertRoute[]; edit: boolean }) => (
  <ol aria-label="Routes" className="divide-y divide-line">
    {routes.map((route, index) => (
      <Row key={route.path} route={route} number={index + 1} edit={edit} />
    ))}
  </ol>
);
