//go:build !unix

package main

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
)

var forwarded = []os.Signal{os.Interrupt}

func ownGroup(*exec.Cmd) {}

func signalGroup(cmd *exec.Cmd, _ os.Signal) error { return killGroup(cmd) }

func terminateGroup(cmd *exec.Cmd) error { return killGroup(cmd) }

// killGroup ends the command itself; Job Objects for its children come with the Windows scheduler.
func killGroup(cmd *exec.Cmd) error {
	if err := cmd.Process.Kill(); err != nil {
		return fmt.Errorf("kill the command: %w", err)
	}
	return nil
}

func exitCode(state *os.ProcessState) int { return state.ExitCode() }

func shellArgv(argv []string) []string { return append([]string{"cmd.exe", "/c"}, argv...) }

func cutPath(kv string) (string, bool) {
	name, value, _ := strings.Cut(kv, "=")
	return value, strings.EqualFold(name, "PATH")
}
