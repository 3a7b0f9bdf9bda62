package service

import (
	"fmt"
	"strings"
)

// unit is the systemd unit. What the agent starts is `crontab` and nothing else, and jobs are started by cron: none of
// this narrows what a job may do.
func unit(o Options) string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("[Unit]")
	line("Description=%s", description)
	line("Documentation=%s", documentation)
	line("After=network-online.target")
	line("Wants=network-online.target")
	line("StartLimitIntervalSec=0")
	line("")
	line("[Service]")
	words := append([]string{o.Executable}, o.Arguments...)
	for i, w := range words {
		words[i] = escape(w)
	}
	words[0] = strings.ReplaceAll(words[0], "$$", "$") // no variables in the program's own path
	line("ExecStart=%s", strings.Join(words, " "))
	line("Restart=always")
	line("RestartSec=5")
	line("TimeoutStopSec=30")
	line("UMask=0077")
	line("LockPersonality=yes")
	line("MemoryDenyWriteExecute=yes")
	line("RestrictRealtime=yes")
	line("SystemCallArchitectures=native")
	line("RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK")
	if o.User {
		// No more here: with NoNewPrivileges, which most of the rest implies for a user, crontab(1) loses the group by which
		// it may write.
		line("")
		line("[Install]")
		line("WantedBy=default.target")
		return b.String()
	}
	for _, l := range systemOnly {
		line("%s", l)
	}
	// A path that is missing is no reason not to start: which of them there are depends on the system.
	line("ReadWritePaths=%s", strings.Join(append([]string{"-/etc/cron.d", "-/var/spool/cron"}, o.writable()...), " "))
	line("")
	line("[Install]")
	line("WantedBy=multi-user.target")
	return b.String()
}

var systemOnly = []string{
	"StateDirectory=crontopus",
	"StateDirectoryMode=0711",
	"NoNewPrivileges=yes",
	"ProtectSystem=strict",
	"ProtectHome=read-only",
	"PrivateTmp=yes",
	"PrivateDevices=yes",
	"ProtectClock=yes",
	"ProtectControlGroups=yes",
	"ProtectHostname=yes",
	"ProtectKernelLogs=yes",
	"ProtectKernelModules=yes",
	"ProtectKernelTunables=yes",
	"RestrictNamespaces=yes",
	"RestrictSUIDSGID=yes",
	// To write other users' crontabs and keep their areas theirs.
	"CapabilityBoundingSet=CAP_CHOWN CAP_DAC_OVERRIDE CAP_FOWNER CAP_SETGID CAP_SETUID",
	"SystemCallFilter=@system-service",
	"SystemCallErrorNumber=EPERM",
}

func (o Options) writable() []string {
	if o.StateDir == "" {
		return nil
	}
	return []string{"-" + escape(o.StateDir)}
}

// escape quotes a word for systemd, which knows %-specifiers, $-variables and C's escapes.
func escape(word string) string {
	word = strings.NewReplacer(`%`, `%%`, `$`, `$$`, `\`, `\\`, `"`, `\"`).Replace(word)
	if strings.ContainsAny(word, " \t'\"\\;") || word == "" {
		return `"` + word + `"`
	}
	return word
}
