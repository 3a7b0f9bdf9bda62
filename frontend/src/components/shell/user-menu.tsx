import { useMutation } from "@tanstack/react-query";
import { useRouteContext } from "@tanstack/react-router";
import { ChevronsUpDown, LogOut, Monitor, Moon, Sun } from "lucide-react";
import { api } from "@/client/api";
import { isProblem } from "@/client/problem";
import { explain } from "@/components/domain/query-error";
import { Menu, MenuItem, MenuRadio, MenuSeparator } from "@/components/ui/menu";
import { toast } from "@/components/ui/toast";
import { useSession } from "@/lib/session";
import { setTheme, useTheme } from "@/lib/theme";

const THEME_OPTIONS = [
  { value: "light" as const, label: "Light", icon: <Sun aria-hidden /> },
  { value: "dark" as const, label: "Dark", icon: <Moon aria-hidden /> },
  { value: "system" as const, label: "As the system", icon: <Monitor aria-hidden /> },
];

function useSignOut() {
  const { signOut } = useRouteContext({ from: "__root__" });
  return useMutation({
    // A session that is already over is as signed out as it gets.
    mutationFn: () =>
      api.logout().catch((error: unknown) => {
        if (!isProblem(error, 401)) throw error;
      }),
    onSuccess: () => signOut(),
    onError: (error) => toast.bad("Could not sign out", explain(error).detail),
  });
}

export function UserMenu() {
  const { user } = useSession();
  const theme = useTheme();
  const signOut = useSignOut();
  return (
    <Menu
      side="top"
      align="start"
      trigger={
        <button
          type="button"
          className="flex h-11 w-full items-center gap-2.5 rounded-md px-2 text-left hover:bg-hover data-popup-open:bg-hover"
        >
          <span
            aria-hidden
            className="grid size-7 shrink-0 place-items-center rounded-full bg-accent-soft font-semibold text-accent-text text-xs uppercase"
          >
            {user.username.slice(0, 1)}
          </span>
          <span className="min-w-0 flex-1">
            <span className="block truncate font-medium text-sm leading-4.5">{user.username}</span>
            <span className="block truncate text-subtle text-xs leading-4">{user.email}</span>
          </span>
          <ChevronsUpDown aria-hidden className="size-4 shrink-0 text-subtle" />
          <span className="sr-only">: theme and sign out</span>
        </button>
      }
    >
      <MenuRadio label="Theme" value={theme} options={THEME_OPTIONS} onChange={setTheme} />
      <MenuSeparator />
      <MenuItem onClick={() => signOut.mutate()}>
        <LogOut aria-hidden /> Sign out
      </MenuItem>
    </Menu>
  );
}
