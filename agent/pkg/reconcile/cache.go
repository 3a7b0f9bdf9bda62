package reconcile

import (
	"bytes"
	"io/fs"
	"os"
	"reflect"
	"runtime"
	"sync"
	"time"

	"crontopus.dev/agent/pkg/gitsource"
	"crontopus.dev/agent/pkg/jobfile"
	"crontopus.dev/agent/pkg/manifest"
	"crontopus.dev/agent/pkg/statedir"
)

// cache remembers what was read and made of it: in most rounds nothing has changed. What it gives is shared and not
// written to.
type cache struct {
	now, before map[string]reading
	nowFiles    map[Key]encoding
	beforeFiles map[Key]encoding
	files       jobFiles
	users       time.Time // when users of the machine came or went last, as far as a file tells
	applied     Applied
	appliedInfo fs.FileInfo
}

type encoding struct {
	job  *jobfile.Job
	data []byte
}

func (c *cache) encode(job *jobfile.Job) ([]byte, error) {
	key := Key{job.User, job.JobID}
	e, there := c.beforeFiles[key]
	if !there || !reflect.DeepEqual(e.job, job) {
		data, err := job.Encode()
		if err != nil {
			return nil, err
		}
		e = encoding{job, data}
	}
	if c.nowFiles == nil {
		c.nowFiles = make(map[Key]encoding, len(c.beforeFiles))
	}
	c.nowFiles[key] = e
	return e.data, nil
}

// loadApplied is LoadApplied; the file is only ever replaced as a whole.
func (c *cache) loadApplied(dir *statedir.Dir) (Applied, error) {
	info, err := os.Stat(dir.Path(appliedFile))
	if err == nil && c.appliedInfo != nil && os.SameFile(info, c.appliedInfo) && info.ModTime().Equal(c.appliedInfo.ModTime()) && info.Size() == c.appliedInfo.Size() {
		return c.applied, nil
	}
	c.appliedInfo = info // from before the reading: what comes in between is read the next time
	c.applied, err = LoadApplied(dir)
	if err != nil {
		c.appliedInfo = nil
	}
	return c.applied, err
}

type reading struct {
	data []byte
	job  *manifest.Job
	err  error
}

func (c *cache) parse(path string, data []byte) (*manifest.Job, error) {
	r, there := c.before[path]
	if !there || !bytes.Equal(r.data, data) {
		r = reading{data: data}
		r.job, r.err = manifest.Parse(path, data)
	}
	r.data = data // so that equal bytes of an earlier round are let go
	if c.now == nil {
		c.now = make(map[string]reading, len(c.before))
	}
	c.now[path] = r
	return r.job, r.err
}

// wrote spares the next round the reading of what this one wrote.
func (c *cache) wrote(dir *statedir.Dir, applied Applied) {
	info, err := os.Stat(dir.Path(appliedFile))
	if err != nil {
		info = nil // it is read again
	}
	c.applied, c.appliedInfo = applied, info
}

// Files up to this size are read side by side: a hostile one of the largest size may cost hundreds of megabytes for a
// moment, and one of those at a time is enough.
const (
	sideBySide = 16 << 10
	fewFiles   = 32 // so few are read sooner than others are woken
)

// warm reads what has changed, on all processors: parse then finds it.
func (c *cache) warm(files []gitsource.File) {
	var fresh []gitsource.File
	for _, f := range files {
		if r, there := c.before[f.Path]; len(f.Data) <= sideBySide && (!there || !bytes.Equal(r.data, f.Data)) {
			fresh = append(fresh, f)
		}
	}
	if len(fresh) < fewFiles {
		return
	}
	if c.before == nil {
		c.before = map[string]reading{}
	}
	readings := make([]reading, len(fresh))
	var wg sync.WaitGroup
	workers := runtime.GOMAXPROCS(0)
	for worker := range workers {
		wg.Go(func() {
			for i := worker; i < len(fresh); i += workers {
				r := reading{data: fresh[i].Data}
				r.job, r.err = manifest.Parse(fresh[i].Path, fresh[i].Data)
				readings[i] = r
			}
		})
	}
	wg.Wait()
	for i, f := range fresh {
		c.before[f.Path] = readings[i]
	}
}

// sweep ends a round: what was not asked for in it is forgotten.
func (c *cache) sweep() {
	c.before, c.now = c.now, nil
	c.beforeFiles, c.nowFiles = c.nowFiles, nil
}
