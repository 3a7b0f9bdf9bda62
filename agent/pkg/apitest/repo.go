package apitest

import (
	"fmt"
	"net/http"
	"net/http/cgi"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/uuid"
)

// RepoName is the repository's path below the server's /git/.
const RepoName = "crontopus/job-manifests-acme.git"

// Repo is a bare repository and a work tree to commit from, both made by the system's git.
type Repo struct {
	t    *testing.T
	root string // what http-backend serves
	work string
	key  *Key
}

// NewRepo makes a repository whose first commit holds the tenant's mark.
func NewRepo(t *testing.T, tenant uuid.UUID) *Repo {
	t.Helper()
	r := &Repo{t: t, root: t.TempDir(), work: t.TempDir()}
	bare := filepath.Join(r.root, RepoName)
	r.git(".", "init", "-q", "--bare", "-b", "main", bare)
	r.git(".", "init", "-q", "-b", "main", r.work)
	r.git(r.work, "remote", "add", "origin", bare)
	r.Commit(map[string]string{
		".crontopus/tenant.yaml": fmt.Sprintf("apiVersion: crontopus/v1\nkind: Tenant\nmetadata:\n  id: %s\n", tenant),
		"default/.gitkeep":       "",
		"README.md":              "# jobs\n",
	})
	return r
}

// Commit writes files ("" removes a .yaml file) and pushes; it returns the new head.
func (r *Repo) Commit(files map[string]string) string {
	r.t.Helper()
	r.write(files)
	r.git(r.work, append(r.signing(), "commit", "-q", "--allow-empty", "-m", "change")...)
	r.git(r.work, "push", "-q", "origin", "main")
	return r.Head()
}

func (r *Repo) write(files map[string]string) {
	r.t.Helper()
	for name, text := range files {
		path := filepath.Join(r.work, name)
		if text == "" && filepath.Base(name) != ".gitkeep" {
			if err := os.Remove(path); err != nil {
				r.t.Fatal(err)
			}
			continue
		}
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			r.t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			r.t.Fatal(err)
		}
	}
	r.git(r.work, "add", "-A")
}

// Rewind throws the last commit away and pushes another in its place.
func (r *Repo) Rewind(files map[string]string) string {
	r.t.Helper()
	r.git(r.work, "reset", "-q", "--hard", "HEAD~1")
	r.git(r.work, "push", "-q", "--force", "origin", "main")
	return r.Commit(files)
}

// Many pushes n unsigned commits at once.
func (r *Repo) Many(n int) string {
	r.t.Helper()
	var stream strings.Builder // a process for each would take seconds
	for i := range n {
		stream.WriteString("commit refs/heads/main\ncommitter Test <test@example.com> now\ndata 6\nchange\n")
		if i == 0 {
			stream.WriteString("from refs/heads/main^0\n")
		}
	}
	r.gitWith(stream.String(), r.work, "fast-import", "--quiet", "--date-format=now")
	r.git(r.work, "push", "-q", "origin", "main")
	return r.Head()
}

// Merge merges a side branch of one commit that forked off so many commits ago, and pushes.
func (r *Repo) Merge(ago int, side *Key, files map[string]string) string {
	r.t.Helper()
	main := r.key
	r.key = side
	r.git(r.work, "checkout", "-q", "-B", "side", "HEAD~"+strconv.Itoa(ago))
	r.write(files)
	r.git(r.work, append(r.signing(), "commit", "-q", "-m", "side")...)
	r.key = main
	r.git(r.work, "checkout", "-q", "main")
	r.git(r.work, append(r.signing(), "merge", "-q", "--no-ff", "-m", "merge", "side")...)
	r.git(r.work, "push", "-q", "origin", "main")
	return r.Head()
}

// DeleteBranch leaves an empty repository.
func (r *Repo) DeleteBranch() {
	r.t.Helper()
	r.git(filepath.Join(r.root, RepoName), "update-ref", "-d", "refs/heads/main")
}

// Head is the commit main points to.
func (r *Repo) Head() string {
	r.t.Helper()
	return strings.TrimSpace(r.git(r.work, "rev-parse", "HEAD"))
}

func (r *Repo) git(dir string, args ...string) string {
	r.t.Helper()
	return r.gitWith("", dir, args...)
}

func (r *Repo) gitWith(input, dir string, args ...string) string {
	r.t.Helper()
	cmd := exec.Command("git", args...)
	cmd.Stdin = strings.NewReader(input)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null",
		"GIT_AUTHOR_NAME=Test", "GIT_AUTHOR_EMAIL=test@example.com", "GIT_COMMITTER_NAME=Test", "GIT_COMMITTER_EMAIL=test@example.com")
	out, err := cmd.CombinedOutput()
	if err != nil {
		r.t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// Handler serves the repository, read only, as the real server does.
func (r *Repo) Handler() http.Handler {
	path, err := exec.LookPath("git")
	if err != nil {
		r.t.Fatal(err)
	}
	return &cgi.Handler{Path: path, Args: []string{"http-backend"}, Dir: r.root,
		Env: []string{"GIT_PROJECT_ROOT=" + r.root, "GIT_HTTP_EXPORT_ALL=1", "GIT_CONFIG_COUNT=1",
			"GIT_CONFIG_KEY_0=safe.directory", "GIT_CONFIG_VALUE_0=*"}}
}
