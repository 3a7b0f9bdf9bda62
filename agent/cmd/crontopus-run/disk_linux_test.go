package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
)

// smallDisk mounts a disk of so many KiB. Whoever may not mount runs the test in a user namespace, in which they may.
func smallDisk(t *testing.T, kib string) string {
	t.Helper()
	if os.Getuid() != 0 {
		inNamespace(t)
	}
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "mode=0700,size="+kib+"k"); err != nil {
		t.Fatalf("mount a small disk: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// inNamespace ends the test, which has been run elsewhere.
func inNamespace(t *testing.T) {
	t.Helper()
	cmd := exec.Command("unshare", "--user", "--map-root-user", "--mount", os.Args[0], "-test.run", "^"+t.Name()+"$")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("neither root nor in a user namespace: %v\n%s", err, out)
	}
	t.Skip("passed in a user namespace")
}

// fillDisk moves a folder with its one file onto a disk that is full.
func fillDisk(t *testing.T, folder, file string) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(folder, file))
	if err != nil {
		t.Fatal(err)
	}
	disk := smallDisk(t, "16")
	if err := os.WriteFile(filepath.Join(disk, file), data, 0o600); err != nil {
		t.Fatal(err)
	}
	fill(t, disk)
	if err := os.RemoveAll(folder); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(disk, folder); err != nil {
		t.Fatal(err)
	}
}

// fill leaves no room on a disk; the file it gives back holds all of it.
func fill(t *testing.T, disk string) string {
	t.Helper()
	name := filepath.Join(disk, "ballast")
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	block := make([]byte, 4096)
	for err == nil {
		_, err = f.Write(block)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	return name
}
