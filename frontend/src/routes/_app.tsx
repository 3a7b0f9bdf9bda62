import { createFileRoute, Outlet, redirect } from "@tanstack/react-router";
import { useEffect } from "react";
import { isProblem } from "@/client/problem";
import { sessionQuery } from "@/client/queries";
import { Shell } from "@/components/shell/shell";

/** Everything behind the sign-in. */
export const Route = createFileRoute("/_app")({
  beforeLoad: async ({ context, location }) => {
    try {
      return { session: await context.queryClient.ensureQueryData(sessionQuery) };
    } catch (error) {
      if (!isProblem(error, 401)) throw error;
      throw redirect({ to: "/sign-in", search: { redirect: location.href } });
    }
  },
  component: App,
});

function App() {
  const { live } = Route.useRouteContext();
  useEffect(() => {
    live.start();
    return () => live.stop();
  }, [live]);
  return (
    <Shell>
      <Outlet />
    </Shell>
  );
}
