package manifest

import "strings"

// nearest is the option somebody who typed word probably meant; "" where none is near.
func nearest(word string, options []string) string {
	const longest = 64
	typed := []rune(simplify(word))
	if len(typed) > longest {
		return ""
	}
	best, found := len(typed)/3+1, "" // a third of the letters may differ, and one more
	for _, option := range options {
		if d := distance(typed, []rune(simplify(option))); d < best || d == best && found == "" && d < len(option) {
			best, found = d, option
		}
	}
	return found
}

func simplify(word string) string {
	return strings.NewReplacer("_", "", "-", "").Replace(strings.ToLower(word))
}

// distance is how many letters must be added, removed or replaced, or swapped with their neighbour.
func distance(a, b []rune) int {
	before, row := make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range a {
		beforeThat := before
		before, row = row, make([]int, len(b)+1)
		row[0] = i + 1
		for j := range b {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			row[j+1] = min(row[j]+1, before[j+1]+1, before[j]+cost)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], beforeThat[j-1]+1)
			}
		}
	}
	return row[len(b)]
}
