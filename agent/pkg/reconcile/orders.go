package reconcile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"crontopus.dev/agent/pkg/statedir"
)

// Orders are what somebody on the machine wants. They lie as files in the state directory, where commands put
// them and the agent, running or not, finds them in its next round.
type Orders struct {
	Hold    *Hold
	Confirm string          // digest of removals that were approved
	Undo    map[string]bool // adoptions to take back, by the id of the foreign entry
	Redo    map[string]bool // adoptions whose undoing is taken back
}

func (o Orders) none() bool {
	return o.Hold == nil && o.Confirm == "" && len(o.Undo)+len(o.Redo) == 0
}

// Hold stops every change until it is released.
type Hold struct {
	At     time.Time `json:"at"`
	Reason string    `json:"reason,omitempty"`
}

func (h *Hold) text() string {
	why := "on hold since " + h.At.UTC().Format(time.RFC3339)
	if h.Reason != "" {
		why += " (" + h.Reason + ")"
	}
	return why + "; nothing is changed until: crontopus-agent hold --release"
}

type confirmation struct {
	Digest string    `json:"digest"`
	At     time.Time `json:"at"`
}

const (
	// OrdersDir is the folder of the orders; its time of change tells the agent of new ones.
	OrdersDir   = "orders"
	holdFile    = "hold.json"
	confirmFile = "confirm.json"
	undoPrefix  = "undo-"
	redoPrefix  = "redo-"

	// An approval is for what somebody saw, not for ever.
	confirmLife = 24 * time.Hour
)

var foreignID = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9:_.-]{0,127}$`)

// LoadOrders reads them all.
func LoadOrders(dir *statedir.Dir, now time.Time) (Orders, error) {
	o := Orders{Undo: map[string]bool{}, Redo: map[string]bool{}}
	files, err := os.ReadDir(dir.Path(OrdersDir))
	if errors.Is(err, fs.ErrNotExist) {
		return o, nil
	}
	if err != nil {
		return o, fmt.Errorf("orders: %w", err)
	}
	for _, f := range files {
		if id, ok := strings.CutPrefix(f.Name(), undoPrefix); ok && foreignID.MatchString(id) {
			o.Undo[id] = true
		} else if id, ok := strings.CutPrefix(f.Name(), redoPrefix); ok && foreignID.MatchString(id) {
			o.Redo[id] = true
		}
	}
	var hold Hold
	if found, err := read(dir, holdFile, &hold); err != nil || found {
		// A hold that cannot be read is a hold: whoever put it there wanted us to stop.
		if err != nil {
			hold = Hold{At: now, Reason: err.Error()}
		}
		o.Hold = &hold
	}
	var c confirmation
	if _, err := read(dir, confirmFile, &c); err != nil {
		return o, err
	}
	if age := now.Sub(c.At); age >= 0 && age < confirmLife {
		o.Confirm = c.Digest
	}
	return o, nil
}

func read(dir *statedir.Dir, name string, v any) (bool, error) {
	err := dir.ReadJSON(filepath.Join(OrdersDir, name), v)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

func order(dir *statedir.Dir, name string, v any) error {
	if _, err := dir.Sub(OrdersDir); err != nil {
		return err
	}
	return dir.WriteJSON(filepath.Join(OrdersDir, name), v)
}

// SetHold stops every change.
func SetHold(dir *statedir.Dir, h Hold) error { return order(dir, holdFile, h) }

// ReleaseHold ends a hold.
func ReleaseHold(dir *statedir.Dir) error { return dir.Remove(OrdersDir, holdFile) }

// Confirm approves the removals with this digest.
func Confirm(dir *statedir.Dir, digest string, now time.Time) error {
	return order(dir, confirmFile, confirmation{Digest: digest, At: now.UTC()})
}

// ErrNotAdopted means that an id names nothing that was adopted here.
var ErrNotAdopted = errors.New("nothing with this id was adopted on this machine")

// Undo takes an adoption back, or with again takes back the undoing.
func Undo(dir *statedir.Dir, id string, again bool, now time.Time) (Adoption, error) {
	adopted, err := LoadAdopted(dir)
	if err != nil {
		return Adoption{}, err
	}
	record, there := adopted.Entries[id]
	if !there || !foreignID.MatchString(id) {
		return Adoption{}, fmt.Errorf("%q: %w", id, ErrNotAdopted)
	}
	name, other := undoPrefix+id, redoPrefix+id
	if again {
		name, other = other, name
	}
	if err := dir.Remove(OrdersDir, other); err != nil {
		return record, err
	}
	return record, order(dir, name, map[string]time.Time{"at": now.UTC()})
}

// done removes the orders that were carried out; a hold stays.
func (o Orders) done(dir *statedir.Dir) error {
	var err error
	for id := range o.Undo {
		err = errors.Join(err, dir.Remove(OrdersDir, undoPrefix+id))
	}
	for id := range o.Redo {
		err = errors.Join(err, dir.Remove(OrdersDir, redoPrefix+id))
	}
	if o.Confirm != "" {
		err = errors.Join(err, dir.Remove(OrdersDir, confirmFile))
	}
	return err
}
