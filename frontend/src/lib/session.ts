import { useRouteContext } from "@tanstack/react-router";
import type { Session } from "@/client/types";

/** The signed-in session. Only under the `_app` route, which does not render without one. */
export const useSession = (): Session => useRouteContext({ from: "/_app" }).session;
