package manifest

import "strconv"

// Locate finds where a value of a manifest that was read before stands: the value, or with atKey its key, at the
// dotted place of the steps (keys as string, places in lists as int). What is not there has the place of the key
// around it that it is missing from. Line and column are 0 where nothing can be said.
func Locate(file string, data []byte, atKey bool, steps ...any) (line, column int, place string) {
	t, errs := readTree(file, data)
	if errs != nil {
		return 0, 0, ""
	}
	at, missing := t.root, false
	for _, step := range steps {
		next := child(at, step)
		if missing || next == nil {
			missing = true
			place = dottedStep(place, step)
			continue
		}
		at, place = next, next.path()
	}
	if (atKey || missing) && at.keyLine > 0 {
		return at.keyLine, at.keyColumn, place
	}
	return at.line, at.column, place
}

func child(n *node, step any) *node {
	switch s := step.(type) {
	case string:
		return n.get(s)
	case int:
		if s < len(n.items) {
			return n.items[s]
		}
	}
	return nil
}

func dottedStep(base string, step any) string {
	switch s := step.(type) {
	case int:
		return base + "[" + strconv.Itoa(s) + "]"
	case string:
		if base == "" {
			return s
		}
		return base + "." + s
	}
	return base
}
