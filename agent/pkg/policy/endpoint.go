package policy

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os/user"

	"go.yaml.in/yaml/v4"

	"crontopus.dev/agent/pkg/commitsig"
	"crontopus.dev/agent/pkg/manifest"
)

const maxFile = 256 << 10

// Signed says which commits the agent takes.
type Signed string

// What requireSigned may be.
const (
	SignedOff     Signed = "off"     // any
	SignedService Signed = "service" // the newest commit is the service's own, signed
	SignedAll     Signed = "all"     // every new commit is signed by somebody known
)

// Endpoint is the machine's own policy. The nil pointer is that of a machine without one: it demands nothing.
type Endpoint struct {
	rules         manifest.Rules
	noRoot        bool
	noShell       bool
	maxJobs       int
	requireSigned Signed
	signers       []string
	digest        string
}

// file is policy.yaml.
type file struct {
	AllowedUsers    []string `yaml:"allowedUsers"`
	AllowedCommands []string `yaml:"allowedCommands"`
	MinimumInterval string   `yaml:"minimumInterval"`
	MaximumTimeout  string   `yaml:"maximumTimeout"`
	AllowedWindows  []window `yaml:"allowedWindows"`
	NoRoot          bool     `yaml:"noRoot"`
	NoShell         bool     `yaml:"noShell"`
	MaxJobs         *int     `yaml:"maxJobs"`
	RequireSigned   string   `yaml:"requireSigned"`
	Signers         []string `yaml:"signers"`
}

type window struct {
	Days []string `yaml:"days"`
	From string   `yaml:"from"`
	To   string   `yaml:"to"`
}

// Load reads the endpoint's policy; nil where the file does not exist. Any other trouble is an error, and then
// nothing may be changed: a policy that is there was meant.
func Load(path string) (*Endpoint, error) {
	data, err := readTrusted(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("policy %s: %w", path, err)
	}
	e, err := parse(data)
	if err != nil {
		return nil, fmt.Errorf("policy %s: %w", path, err)
	}
	return e, nil
}

func parse(data []byte) (*Endpoint, error) {
	var f file
	if err := yaml.Load(data, &f, yaml.WithKnownFields(), yaml.WithUniqueKeys()); err != nil {
		return nil, fmt.Errorf("not readable as YAML: %w", err)
	}
	sum := sha256.Sum256(data)
	e := &Endpoint{noRoot: f.NoRoot, noShell: f.NoShell, requireSigned: Signed(f.RequireSigned), digest: hex.EncodeToString(sum[:8])}
	if f.MaxJobs != nil {
		if *f.MaxJobs < 1 {
			return nil, fmt.Errorf("maxJobs: %d is not a number of jobs from 1", *f.MaxJobs)
		}
		e.maxJobs = *f.MaxJobs
	}
	switch e.requireSigned {
	case "":
		e.requireSigned = SignedOff
	case SignedOff, SignedService, SignedAll:
	default:
		return nil, fmt.Errorf("requireSigned: %q is not off, service or all", f.RequireSigned)
	}
	for _, key := range f.Signers {
		if _, err := commitsig.Fingerprint(key); err != nil {
			return nil, fmt.Errorf("signers: %.40q is not a public key as in authorized_keys: %w", key, err)
		}
	}
	e.signers = f.Signers
	var err error
	e.rules, err = f.rules()
	return e, err
}

// rules goes through the manifest's reader: what a tenant's policy may say, this one may, in the same words.
func (f file) rules() (manifest.Rules, error) {
	spec := map[string]any{}
	put := func(key string, given bool, value any) {
		if given {
			spec[key] = value
		}
	}
	put("allowedUsers", f.AllowedUsers != nil, f.AllowedUsers)
	put("allowedCommands", f.AllowedCommands != nil, f.AllowedCommands)
	put("minimumInterval", f.MinimumInterval != "", f.MinimumInterval)
	put("maximumTimeout", f.MaximumTimeout != "", f.MaximumTimeout)
	if f.AllowedWindows != nil {
		windows := []map[string]any{}
		for _, w := range f.AllowedWindows {
			entry := map[string]any{"from": w.From, "to": w.To}
			if w.Days != nil {
				entry["days"] = w.Days
			}
			windows = append(windows, entry)
		}
		spec["allowedWindows"] = windows
	}
	if len(spec) == 0 {
		return manifest.Rules{}, nil
	}
	document := map[string]any{"apiVersion": "crontopus/v1", "kind": "Policy", "metadata": map[string]any{"name": "endpoint"},
		"spec": map[string]any{"rules": spec}}
	data, err := yaml.Dump(document)
	if err != nil {
		return manifest.Rules{}, fmt.Errorf("rules: %w", err)
	}
	m, err := manifest.ParseDocument("policy", data)
	var bad manifest.Errors
	if errors.As(err, &bad) {
		return manifest.Rules{}, fmt.Errorf("%s: %s", bad[0].Path, bad[0].Message) // its lines are of another text
	}
	if err != nil {
		return manifest.Rules{}, err
	}
	p, ok := m.(*manifest.Policy)
	if !ok {
		return manifest.Rules{}, errors.New("not read as a policy")
	}
	return p.Rules, nil
}

// Digest names this very policy; "" where there is none.
func (e *Endpoint) Digest() string {
	if e == nil {
		return ""
	}
	return e.digest
}

// MaxJobs is how many jobs the endpoint takes; 0 means any number.
func (e *Endpoint) MaxJobs() int {
	if e == nil {
		return 0
	}
	return e.maxJobs
}

// RequireSigned says which commits the agent takes.
func (e *Endpoint) RequireSigned() Signed {
	if e == nil {
		return SignedOff
	}
	return e.requireSigned
}

// Signers are the public keys of people whose commits are taken beside the service's, where all have to be signed.
func (e *Endpoint) Signers() []string {
	if e == nil {
		return nil
	}
	return e.signers
}

// Check is every rule that a job breaks which would run as user, who is always known here.
func (e *Endpoint) Check(job *manifest.Job, name string) []Violation {
	if e == nil {
		return nil
	}
	out := rules(e.rules, job, name)
	add := func(code, message, key string) {
		out = append(out, Violation{Code: code, Message: message, Steps: []any{"spec", key}})
	}
	if e.noRoot && isRoot(name) {
		add("policy_user", "jobs may not run as root", "user")
	}
	if e.noShell && job.Shell {
		add("policy_command", "jobs may not be shell lines", "shell")
	}
	for i := range out {
		out[i].Policy, out[i].Enforcement = "of this endpoint", "enforce"
	}
	return out
}

// isRoot also knows root by another name. A user nobody knows is judged elsewhere.
func isRoot(name string) bool {
	if name == "root" || name == `NT AUTHORITY\SYSTEM` {
		return true
	}
	who, err := user.Lookup(name)
	return err == nil && (who.Uid == "0" || who.Uid == "S-1-5-18")
}
