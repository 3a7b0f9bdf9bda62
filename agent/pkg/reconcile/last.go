package reconcile

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/google/uuid"

	"crontopus.dev/agent/pkg/statedir"
)

// LastCommit is the commit that was applied last, and whose repository it is from; zero when nothing was. It is what
// LoadApplied says, too, which also reads a thousand entries for it.
func LastCommit(dir *statedir.Dir) (tenant uuid.UUID, commit string, err error) {
	file, err := os.Open(dir.Path(appliedFile))
	if errors.Is(err, fs.ErrNotExist) {
		return uuid.Nil, "", nil
	}
	if err != nil {
		return uuid.Nil, "", fmt.Errorf("what was applied last: %w", err)
	}
	defer file.Close()
	read := json.NewDecoder(io.LimitReader(file, statedir.MaxFile))
	if _, err := read.Token(); err != nil { // the opening brace
		return uuid.Nil, "", fmt.Errorf("%s: %w", file.Name(), err)
	}
	// They are written before the entries.
	for wanted := map[string]any{"tenant_id": &tenant, "commit": &commit}; len(wanted) > 0 && read.More(); {
		if err := takeField(read, wanted); err != nil {
			return uuid.Nil, "", fmt.Errorf("%s: %w", file.Name(), err)
		}
	}
	return tenant, commit, nil
}

// takeField reads one field of an object, into what is wanted for it.
func takeField(read *json.Decoder, wanted map[string]any) error {
	name, err := read.Token()
	if err != nil {
		return err
	}
	key, _ := name.(string)
	into, there := wanted[key]
	if !there {
		into = &json.RawMessage{}
	}
	delete(wanted, key)
	return read.Decode(into)
}
