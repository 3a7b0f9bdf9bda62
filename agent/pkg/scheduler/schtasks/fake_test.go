package schtasks

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

// fakeDir names the folder of a fake Task Scheduler. A test program that is started with it is schtasks.
const fakeDir = "CRONTOPUS_FAKE_SCHTASKS"

func TestMain(m *testing.M) {
	if dir := os.Getenv(fakeDir); dir != "" && len(os.Args) > 1 && strings.HasPrefix(os.Args[1], "/") {
		os.Exit(fakeMain(dir, os.Args[1:]))
	}
	os.Exit(m.Run())
}

// fakeStore is what stands in the fake's folder.
type fakeStore struct {
	Tasks map[string]string `json:"tasks"` // path → XML as the service gives it back
	Calls []string          `json:"calls"`
	// Faults are taken one by one by calls of their verb: {create, fail}.
	Faults [][2]string `json:"faults"`
	UTF16  bool        `json:"utf16"`
}

func fakeLoad(dir string) (*fakeStore, error) {
	s := &fakeStore{Tasks: map[string]string{}}
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

func (s *fakeStore) fault(verb string) string {
	i := slices.IndexFunc(s.Faults, func(f [2]string) bool { return f[0] == verb })
	if i < 0 {
		return ""
	}
	kind := s.Faults[i][1]
	s.Faults = slices.Delete(s.Faults, i, i+1)
	return kind
}

func fakeMain(dir string, args []string) int {
	s, err := fakeLoad(dir)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 99
	}
	verb := strings.ToLower(strings.TrimPrefix(args[0], "/"))
	options := map[string]string{}
	for i := 1; i < len(args); i++ {
		name := strings.ToLower(args[i])
		if name != "/f" && i+1 < len(args) {
			i++
			options[name] = args[i]
		} else {
			options[name] = "yes"
		}
	}
	s.Calls = append(s.Calls, strings.TrimSpace(verb+" "+options["/tn"]))
	code := s.call(verb, s.fault(verb), options)
	if err := s.save(dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 99
	}
	return code
}

func refuse(text string) int {
	fmt.Fprintln(os.Stderr, "ERROR: "+text)
	return 1
}

func (s *fakeStore) call(verb, fault string, o map[string]string) int {
	switch fault {
	case "fail":
		return refuse("Access is denied.")
	case "lie": // says that it worked and does nothing
		fmt.Println("SUCCESS: The operation completed successfully.")
		return 0
	}
	code := 0
	switch verb {
	case "query":
		return s.query(fault)
	case "create":
		code = s.create(o, fault)
	case "delete":
		code = s.remove(o)
	default:
		return refuse("Invalid argument/option - '" + verb + "'.")
	}
	if fault == "grumble" || fault == "maul" { // does it, or something else, and says that it failed
		return refuse("The parameter is incorrect.")
	}
	return code
}

func (s *fakeStore) key(path string) string {
	for known := range s.Tasks {
		if strings.EqualFold(known, path) {
			return known
		}
	}
	return path
}

func (s *fakeStore) create(o map[string]string, fault string) int {
	key := s.key(o["/tn"])
	if _, there := s.Tasks[key]; there && o["/f"] == "" {
		return refuse("The task already exists.")
	}
	data, err := os.ReadFile(o["/xml"])
	if err != nil {
		return refuse("The system cannot find the file specified.")
	}
	if !strings.HasPrefix(string(data), "\xff\xfe") {
		return refuse("The task XML is malformed. (1,38)::unable to switch encoding.")
	}
	text, err := decode(data)
	if err != nil {
		return refuse(err.Error())
	}
	tasks, err := parseTasks(strings.ReplaceAll(text, "<Task ", "<!-- "+key+" --><Task "))
	if err != nil || len(tasks) != 1 {
		return refuse("The task XML is malformed.")
	}
	if wrong := fakeSchema(tasks[0].root); wrong != "" {
		return refuse("The task XML contains a value which is incorrectly formatted or out of range. " + wrong)
	}
	root := asRegistered(tasks[0].root)
	if fault == "mangle" || fault == "maul" {
		root.at("Actions", "Exec", "Command").value = "notepad.exe"
	}
	s.Tasks[key] = root.String()
	return 0
}

func (s *fakeStore) remove(o map[string]string) int {
	key := s.key(o["/tn"])
	if _, there := s.Tasks[key]; !there || o["/f"] == "" {
		return refuse("The system cannot find the file specified.")
	}
	delete(s.Tasks, key)
	return 0
}

func (s *fakeStore) query(fault string) int {
	var b strings.Builder
	b.WriteString("<?xml version=\"1.0\" encoding=\"UTF-16\"?>\r\n<Tasks>\r\n")
	paths := []string{}
	for path := range s.Tasks {
		paths = append(paths, path)
	}
	slices.Sort(paths)
	for _, path := range paths {
		if fault == "forget" && !strings.HasPrefix(path, `\Microsoft\`) {
			continue
		}
		fmt.Fprintf(&b, "<!-- %s -->\r\n%s", path, strings.ReplaceAll(s.Tasks[path], "\n", "\r\n"))
	}
	b.WriteString("</Tasks>\r\n")
	text := b.String()
	switch fault {
	case "nothing":
		text = "<?xml version=\"1.0\" encoding=\"UTF-16\"?>\r\n<Tasks>\r\n</Tasks>\r\n"
	case "silence":
		text = ""
	case "info":
		text = "INFO: There are no scheduled tasks presently available at your access level.\r\n"
	case "half":
		text = text[:len(text)/2]
	}
	var data []byte
	if s.UTF16 {
		data = encode(text)
	} else {
		data = []byte(text)
	}
	if _, err := os.Stdout.Write(data); err != nil {
		return 99
	}
	return 0
}

// fakeSchema refuses what the service would: the schema's own test is elsewhere.
func fakeSchema(root *node) string {
	triggers, exec := root.at("Triggers"), root.at("Actions", "Exec")
	if exec == nil || exec.get("Command") == "" || root.at("Principals", "Principal") == nil {
		return "no action or principal"
	}
	if triggers != nil && len(triggers.kids) > 48 {
		return "too many triggers"
	}
	for _, t := range triggers.kids {
		if (t.name == "CalendarTrigger" || t.name == "TimeTrigger") && t.get("StartBoundary") == "" {
			return "no StartBoundary"
		}
	}
	return ""
}

// asRegistered is what the service makes of a task: another order, names for accounts, no defaults, a few elements
// of its own.
func asRegistered(root *node) *node {
	n := &node{name: root.name, attrs: [][2]string{{"version", "1.2"}, {"xmlns", namespace}}}
	for _, name := range []string{"RegistrationInfo", "Principals", "Settings", "Triggers", "Actions"} {
		if part := root.at(name); part != nil {
			n.add(part)
		}
	}
	if info := n.at("RegistrationInfo"); info != nil {
		info.kids = append([]*node{leaf("Date", "2026-11-22T01:02:03.4567890"), leaf("Author", `HOST\admin`)}, info.kids...)
	}
	if settings := n.at("Settings"); settings != nil {
		settings.kids = slices.DeleteFunc(settings.kids, func(k *node) bool {
			return slices.Contains([]string{"true", "7"}, k.value) && slices.Contains([]string{"AllowHardTerminate", "AllowStartOnDemand", "Enabled", "Priority"}, k.name) ||
				k.value == "false" && slices.Contains([]string{"StartWhenAvailable", "Hidden", "RunOnlyIfIdle", "WakeToRun", "RunOnlyIfNetworkAvailable"}, k.name)
		})
		slices.Reverse(settings.kids)
		settings.add(leaf("UseUnifiedSchedulingEngine", "true"), leaf("Volatile", "false"))
		if idle := settings.at("IdleSettings"); idle != nil {
			idle.add(leaf("Duration", "PT10M"), leaf("WaitTimeout", "PT1H"))
		}
	}
	if user := n.at("Principals", "Principal", "UserId"); user != nil && user.value == "S-1-5-21-1-2-3-1001" {
		user.value = `HOST\me`
	}
	if triggers := n.at("Triggers"); triggers != nil {
		for _, t := range triggers.kids {
			if t.at("RandomDelay") == nil {
				t.add(leaf("RandomDelay", "PT0S"))
			}
			slices.Reverse(t.kids)
			t.kids = slices.DeleteFunc(t.kids, func(k *node) bool { return k.name == "Enabled" && k.value == "true" })
			if r := t.at("Repetition"); r != nil {
				r.kids = slices.DeleteFunc(r.kids, func(k *node) bool { return k.name == "StopAtDurationEnd" })
				if i := r.at("Interval"); i != nil && i.value == "PT1H" {
					i.value = "PT60M"
				}
			}
		}
	}
	return n
}
