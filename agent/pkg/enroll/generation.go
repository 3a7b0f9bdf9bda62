package enroll

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"

	"crontopus.dev/agent/pkg/api"
)

const generationFile = "generation.json"

// generation is by which a copy of this state directory is told from it. A mark is on the disk before it is sent:
// whatever is killed in between, the same request goes out again, and the server knows it for a repetition.
type generation struct {
	Number  int64  `json:"number"`
	Mark    string `json:"mark,omitempty"`
	Pending string `json:"pending,omitempty"` // sent, perhaps, and not answered
}

func (s *Store) generation() (generation, error) {
	var g generation
	err := s.dir.ReadJSON(generationFile, &g)
	if errors.Is(err, fs.ErrNotExist) {
		return g, nil
	}
	return g, err
}

// Present is what to tell the server of this endpoint's generation; with advance, under a new mark. An error means that
// the new mark could not be kept; what is returned then tells the old one, which is better than silence.
func (s *Store) Present(advance bool) (api.Generation, error) {
	g, err := s.generation()
	if err != nil {
		return api.Generation{}, err
	}
	shown := api.Generation{Number: g.Number, Mark: optional(g.Mark)}
	if g.Pending == "" && advance {
		var random [16]byte
		if _, err := rand.Read(random[:]); err != nil {
			return shown, fmt.Errorf("generation: %w", err)
		}
		g.Pending = hex.EncodeToString(random[:])
		if err := s.dir.WriteJSON(generationFile, g); err != nil {
			return shown, fmt.Errorf("generation: %w", err)
		}
	}
	shown.Next = optional(g.Pending)
	return shown, nil
}

// Accepted keeps what the server answered to what Present gave.
func (s *Store) Accepted(shown api.Generation, number int64) error {
	if shown.Next == nil {
		return nil
	}
	return s.dir.WriteJSON(generationFile, generation{Number: number, Mark: *shown.Next})
}

func optional(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}
