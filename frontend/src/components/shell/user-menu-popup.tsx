import { useMutation } from "@tanstack/react-query";
import { Link, useRouteContext } from "@tanstack/react-router";
import { CircleUser, LogOut, Monitor, Moon, Sun } from "lucide-react";
import type { ReactElement } from "react";
import { api } from "@/client/api";
import { isProblem } from "@/client/problem";
import { explain } from "@/components/domain/query-error";
import { Menu, MenuItem, MenuRadio, MenuSeparator } from "@/components/ui/menu";
import { toast } from "@/components/ui/toast";
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

/** Opens as soon as it is there: somebody has asked for it. */
export default function UserMenuPopup({ trigger }: { trigger: ReactElement }) {
  const theme = useTheme();
  const signOut = useSignOut();
  return (
    <Menu side="top" align="start" trigger={trigger} defaultOpen>
      <MenuRadio label="Theme" value={theme} options={THEME_OPTIONS} onChange={setTheme} />
      <MenuSeparator />
      <MenuItem render={<Link to="/account" />}>
        <CircleUser aria-hidden /> Your account
      </MenuItem>
      <MenuItem onClick={() => signOut.mutate()}>
        <LogOut aria-hidden /> Sign out
      </MenuItem>
    </Menu>
  );
}
