import { useSuspenseQuery } from "@tanstack/react-query";
import { sessionQuery } from "@/client/queries";
import type { Session } from "@/client/types";

/** The signed-in session. Only under the `_app` route, which does not render without one. */
export const useSession = (): Session => useSuspenseQuery(sessionQuery).data;
