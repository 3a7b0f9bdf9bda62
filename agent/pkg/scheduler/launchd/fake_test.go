//go:build unix

package launchd

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// fakeDir names the folder of a fake launchd. A test program that is started with it is launchctl.
const fakeDir = "CRONTOPUS_FAKE_LAUNCHCTL"

func TestMain(m *testing.M) {
	if dir := os.Getenv(fakeDir); dir != "" && len(os.Args) > 1 && !strings.HasPrefix(os.Args[1], "-") {
		os.Exit(fakeMain(dir, os.Args[1:]))
	}
	os.Exit(m.Run())
}

type fakeStore struct {
	Loaded map[string]string `json:"loaded"` // label → PID or -
	Faults [][2]string       `json:"faults"`
	Calls  []string          `json:"calls"`
}

func fakeLoad(dir string) (*fakeStore, error) {
	s := &fakeStore{Loaded: map[string]string{"com.apple.x": "77"}}
	data, err := os.ReadFile(filepath.Join(dir, "store.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return s, nil
	}
	if err != nil {
		return nil, err
	}
	return s, json.Unmarshal(data, s)
}

func (s *fakeStore) save(dir string) error {
	data, err := json.Marshal(s)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "store.json"), data, 0o600)
}

func fakeMain(dir string, args []string) int {
	s, err := fakeLoad(dir)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 99
	}
	s.Calls = append(s.Calls, strings.Join(args, " "))
	code := s.call(args)
	if err := s.save(dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 99
	}
	return code
}

func (s *fakeStore) call(args []string) int {
	fault := ""
	if i := slices.IndexFunc(s.Faults, func(f [2]string) bool { return f[0] == args[0] }); i >= 0 {
		fault = s.Faults[i][1]
		s.Faults = slices.Delete(s.Faults, i, i+1)
	}
	switch fault {
	case "fail":
		fmt.Fprintln(os.Stderr, "Bootstrap failed: 5: Input/output error")
		return 5
	case "lie":
		return 0
	case "silence":
		return 0
	}
	code := 0
	switch args[0] {
	case "list":
		fmt.Println("PID\tStatus\tLabel")
		for label, pid := range s.Loaded {
			fmt.Printf("%s\t0\t%s\n", pid, label)
		}
	case "bootstrap":
		code = s.bootstrap(args[1], args[2])
	case "bootout":
		label := strings.TrimPrefix(args[1], "gui/501/")
		if _, there := s.Loaded[label]; !there {
			fmt.Fprintln(os.Stderr, "Boot-out failed: 3: No such process")
			return 3
		}
		delete(s.Loaded, label)
	default:
		return 64
	}
	if fault == "grumble" {
		fmt.Fprintln(os.Stderr, "Boot-out failed: 36: Operation now in progress")
		return 36
	}
	return code
}

func (s *fakeStore) bootstrap(domain, file string) int {
	data, err := os.ReadFile(file)
	if err != nil {
		return 2
	}
	d, err := parse(data)
	label, _ := d.get("Label").(string)
	if _, loaded := s.Loaded[label]; err != nil || loaded || domain != "gui/501" || label == "" {
		fmt.Fprintln(os.Stderr, "Bootstrap failed: 5: Input/output error")
		return 5
	}
	s.Loaded[label] = "-"
	return 0
}
