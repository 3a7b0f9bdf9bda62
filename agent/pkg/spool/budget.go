package spool

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"crontopus.dev/agent/pkg/area"
)

const (
	// DefaultBudget is how many bytes a spool may take.
	DefaultBudget = 64 << 20
	// few files are within any budget: looking at each of them is not worth it.
	few = 32
)

// Freed is what Trim had to drop.
type Freed struct{ Outputs, Runs int }

func (f Freed) any() bool { return f.Outputs+f.Runs > 0 }

type sized struct {
	name string
	size int64
}

// Trim keeps the spool of an area within its budget: the oldest outputs go first, and only when none is left the
// oldest runs that are over. Runs that are still going are left alone.
func Trim(files *area.Files, budget int64) (Freed, error) {
	var freed Freed
	all, total, err := sizes(files)
	if err != nil || total <= budget {
		return freed, err
	}
	goal := budget - budget/8 // so that not every record has to make room anew
	for i := range all {
		if total <= goal {
			return freed, nil
		}
		size, err := strip(files, all[i].name)
		if err != nil {
			return freed, err
		}
		if size < all[i].size {
			freed.Outputs++
		}
		total -= all[i].size - size
		all[i].size = size
	}
	for _, one := range all {
		if total <= goal {
			break
		}
		if over, err := finished(files, one.name); err != nil || !over {
			continue
		}
		if err := files.Remove(Dir + "/" + one.name); err != nil {
			return freed, fmt.Errorf("spool: %w", err)
		}
		freed.Runs++
		total -= one.size
	}
	return freed, nil
}

// sizes lists the runs' files, oldest first.
func sizes(files *area.Files) (all []sized, total int64, err error) {
	names, err := files.Names(Dir)
	if err != nil {
		return nil, 0, fmt.Errorf("spool: %w", err)
	}
	if len(names) <= few {
		return nil, 0, nil
	}
	for _, name := range names {
		if _, ok := runOf(name); !ok {
			continue
		}
		info, err := files.Stat(Dir + "/" + name)
		if errors.Is(err, fs.ErrNotExist) {
			continue // shipped meanwhile
		}
		if err != nil {
			return nil, 0, fmt.Errorf("spool: %w", err)
		}
		all = append(all, sized{name, info.Size()})
		total += info.Size()
	}
	return all, total, nil
}

// strip takes the output out of a run's end and gives the file's size then.
func strip(files *area.Files, name string) (int64, error) {
	run, _ := runOf(name)
	data, err := files.Read(Dir+"/"+name, maxFile)
	if err != nil {
		return 0, nil // gone, or the shipper will move it aside
	}
	var out []byte
	changed := false
	for line := range bytes.Lines(data) {
		rec, err := decode(bytes.TrimSuffix(line, []byte{'\n'}), run)
		if err == nil && rec.Kind == KindFinish && rec.Output != nil && len(rec.Output.Data) > 0 {
			short, err := json.Marshal(withoutOutput(rec))
			if err != nil {
				return 0, fmt.Errorf("encode record: %w", err)
			}
			line, changed = append(short, '\n'), true
		}
		out = append(out, line...)
	}
	if !changed {
		return int64(len(data)), nil
	}
	if err := files.Write(Dir+"/"+name, out); err != nil {
		return shrink(files, name, out) // no room for a second file
	}
	return int64(len(out)), nil
}

// shrink overwrites a file with less. A power cut amid it can spoil the run's end; there is no other way.
func shrink(files *area.Files, name string, data []byte) (int64, error) {
	f, err := files.OpenFile(Dir+"/"+name, os.O_WRONLY)
	if err != nil {
		return 0, fmt.Errorf("spool: %w", err)
	}
	_, err = f.WriteAt(data, 0)
	if err == nil {
		err = f.Truncate(int64(len(data)))
	}
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return 0, fmt.Errorf("spool: %w", err)
	}
	return int64(len(data)), nil
}

func finished(files *area.Files, name string) (bool, error) {
	run, _ := runOf(name)
	data, err := files.Read(Dir+"/"+name, maxFile)
	if err != nil {
		return false, fmt.Errorf("spool: %w", err)
	}
	for line := range bytes.Lines(data) {
		if rec, err := decode(line, run); err == nil && rec.Kind == KindFinish {
			return true, nil
		}
	}
	return false, nil
}

// withoutOutput says how much there was.
func withoutOutput(r Record) Record {
	if r.Output != nil {
		r.Output = &Output{Data: []byte{}, TotalBytes: r.Output.TotalBytes, Truncated: true}
	}
	return r
}
