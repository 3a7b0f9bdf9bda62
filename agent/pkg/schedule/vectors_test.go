package schedule

import (
	"errors"
	"testing"
	"time"

	"crontopus.dev/agent/pkg/vectortest"
)

const vectorCount = 241

type slotVector struct {
	At    time.Time `json:"at"`
	Local string    `json:"local"`
}

type vector struct {
	Name     string       `json:"name"`
	Why      string       `json:"why"`
	Schedule []string     `json:"schedule"`
	Timezone string       `json:"timezone"`
	After    *time.Time   `json:"after"`
	Anchor   *time.Time   `json:"anchor"`
	Next     []slotVector `json:"next"`
	At       *time.Time   `json:"at"`
	Previous *slotVector  `json:"previous"`
	Error    *struct {
		Code  Code `json:"code"`
		Index *int `json:"index"`
	} `json:"error"`
}

func loadVectors(t testing.TB) []vector {
	t.Helper()
	var all []vector
	for _, document := range vectortest.Documents[struct {
		Format string   `json:"format"`
		Cases  []vector `json:"cases"`
	}](t, "schedule") {
		all = append(all, document.Cases...)
	}
	return all
}

func TestVectors(t *testing.T) {
	vectortest.Run(t, loadVectors(t), vectorCount, func(c vector) string { return c.Name }, vector.run)
}

func (c vector) run(t *testing.T) {
	slots, err := NewSlots(c.Schedule, c.Timezone)
	if c.Error != nil {
		c.wantError(t, err)
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	if c.Anchor != nil {
		slots = slots.Anchored(*c.Anchor)
	}
	began := time.Now()
	switch {
	case c.After != nil && len(c.Next) > 0:
		at := *c.After
		for i, want := range c.Next {
			slot, ok := slots.After(at)
			c.same(t, slot, ok, want)
			if i > 0 && !slot.After(at) {
				t.Fatalf("%s is not later than %s", slot, at)
			}
			at = slot
		}
	case c.At != nil && c.Previous != nil:
		slot, ok := slots.AtOrBefore(*c.At)
		c.same(t, slot, ok, *c.Previous)
	default:
		t.Fatal("neither after and next, at and previous, nor error")
	}
	// A generous bound that a search minute by minute over years does not meet.
	if spent := time.Since(began); spent > time.Second {
		t.Errorf("took %s", spent)
	}
}

func (c vector) wantError(t *testing.T, err error) {
	t.Helper()
	index := -1
	if c.Error.Index != nil {
		index = *c.Error.Index
	}
	var known *Error
	if !errors.As(err, &known) || known.Code != c.Error.Code || known.Index != index {
		t.Errorf("got %#v, want %s at %d", err, c.Error.Code, index)
	}
}

func (c vector) same(t *testing.T, slot time.Time, ok bool, want slotVector) {
	t.Helper()
	zone, err := LoadZone(c.Timezone)
	if err != nil {
		t.Fatal(err)
	}
	local := slot.In(zone).Format("2006-01-02T15:04:05-07:00")
	if !ok || !slot.Equal(want.At) || local != want.Local {
		t.Errorf("got %s, %s, %v; want %s, %s", slot.Format(time.RFC3339), local, ok, want.At.Format(time.RFC3339), want.Local)
	}
}
