package gate

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

const (
	// remembered is how many served slots are kept: as many as a clock may go back over without one being served twice.
	remembered = 64
	// absurd is how far ahead of the clock a memory is believed: what lies further was served under a wrong clock,
	// and must not keep the job from running until then.
	absurd = 48 * time.Hour
	// Size of an encoded memory, which never changes: it can be written in place when the disk is full.
	Size = 1024
)

// ErrMemory means that the bytes are no memory.
var ErrMemory = errors.New("not a record of served slots")

// Memory is the slots of one job that were served last, oldest service first. The zero value remembers nothing.
type Memory struct{ slots []int64 }

// Empty means that nothing was ever served.
func (m Memory) Empty() bool { return len(m.slots) == 0 }

// With is the memory after serving slot.
func (m Memory) With(slot time.Time) Memory {
	slots := append(slices.Clone(m.slots), slot.Unix())
	return Memory{slots: slots[max(0, len(slots)-remembered):]}
}

// served tells whether slot was served, or is older than one that was. Slots ahead of now were served before the
// clock went back: they do not make the ones before them served, unless these may have been forgotten.
func (m Memory) served(slot, now time.Time) bool {
	if m.Empty() {
		return false
	}
	at := slot.Unix()
	for _, s := range m.slots {
		if s == at || at < s && s <= now.Unix() {
			return true
		}
	}
	oldest := slices.Min(m.slots)
	return len(m.slots) == remembered && at < oldest && time.Unix(oldest, 0).Sub(now) < absurd
}

// Encode gives Size bytes.
func (m Memory) Encode() ([]byte, error) {
	text, err := json.Marshal(map[string][]int64{"served": m.slots})
	if err != nil {
		return nil, fmt.Errorf("encode served slots: %w", err)
	}
	return append(text, strings.Repeat(" ", max(0, Size-1-len(text)))+"\n"...), nil
}

// Decode reads what Encode gave.
func Decode(data []byte) (Memory, error) {
	var in struct {
		Served []int64 `json:"served"`
	}
	if err := json.Unmarshal(data, &in); err != nil {
		return Memory{}, fmt.Errorf("%w: %w", ErrMemory, err)
	}
	if len(in.Served) == 0 || len(in.Served) > remembered {
		return Memory{}, fmt.Errorf("%w: %d slots", ErrMemory, len(in.Served))
	}
	return Memory{slots: in.Served}, nil
}
