package schtasks

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

const (
	namespace = "http://schemas.microsoft.com/windows/2004/02/mit/task"
	maxDepth  = 32
	maxNodes  = 1 << 20
)

// node is an element of a task's XML, in the task schema's namespace.
type node struct {
	name  string
	attrs [][2]string
	value string // of a leaf
	kids  []*node
}

func el(name string, kids ...*node) *node { return &node{name: name, kids: kids} }

func leaf(name, value string) *node { return &node{name: name, value: value} }

func (n *node) add(kids ...*node) *node {
	n.kids = append(n.kids, kids...)
	return n
}

func (n *node) with(name, value string) *node {
	n.attrs = append(n.attrs, [2]string{name, value})
	return n
}

// at walks down by names; nil where there is no such element.
func (n *node) at(path ...string) *node {
	for _, name := range path {
		if n == nil {
			return nil
		}
		i := slices.IndexFunc(n.kids, func(k *node) bool { return k.name == name })
		if i < 0 {
			return nil
		}
		n = n.kids[i]
	}
	return n
}

// get is the text of the element below, or nothing.
func (n *node) get(path ...string) string {
	if found := n.at(path...); found != nil {
		return found.value
	}
	return ""
}

// String is the XML, two blanks deeper at each level.
func (n *node) String() string {
	var b strings.Builder
	n.write(&b, "")
	return b.String()
}

func (n *node) write(b *strings.Builder, indent string) {
	b.WriteString(indent + "<" + n.name)
	for _, a := range n.attrs {
		b.WriteString(" " + a[0] + `="`)
		escape(b, a[1])
		b.WriteString(`"`)
	}
	switch {
	case len(n.kids) > 0:
		b.WriteString(">\n")
		for _, k := range n.kids {
			k.write(b, indent+"  ")
		}
		b.WriteString(indent + "</" + n.name + ">\n")
	case n.value == "":
		b.WriteString(" />\n")
	default:
		b.WriteString(">")
		escape(b, n.value)
		b.WriteString("</" + n.name + ">\n")
	}
}

func escape(b *strings.Builder, s string) {
	// A strings.Builder never fails, and nothing else can here.
	_ = xml.EscapeText(b, []byte(s))
}

var errXML = errors.New("not the XML of tasks")

// task is one <Task> as it was read.
type task struct {
	path string // \Folder\Name
	raw  string // the exact text of the element
	root *node
}

// parseTasks reads what `schtasks /query /xml ONE` prints: a comment with each task's path, then the task.
func parseTasks(text string) ([]task, error) {
	d := newDecoder(text)
	var tasks []task
	path, depth := "", 0
	for {
		before := d.InputOffset()
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return tasks, checkTasks(tasks, depth)
		}
		if err != nil {
			return nil, fmt.Errorf("%w: %w", errXML, err)
		}
		switch t := token.(type) {
		case xml.Comment:
			path = strings.TrimSpace(string(t))
		case xml.StartElement:
			if t.Name.Local == "Tasks" && depth == 0 {
				depth++
				continue
			}
			root, err := readElement(d, t)
			if err != nil {
				return nil, err
			}
			tasks = append(tasks, task{path: pathOf(path, root), raw: text[before:d.InputOffset()], root: root})
			path = ""
		}
	}
}

func checkTasks(tasks []task, depth int) error {
	if depth == 0 && len(tasks) == 0 {
		return fmt.Errorf("%w: no element", errXML)
	}
	for _, t := range tasks {
		if t.root.name != "Task" || !strings.HasPrefix(t.path, `\`) {
			return fmt.Errorf("%w: a <%s> at %q", errXML, t.root.name, t.path)
		}
	}
	return nil
}

func pathOf(comment string, root *node) string {
	if strings.HasPrefix(comment, `\`) {
		return comment
	}
	return root.get("RegistrationInfo", "URI")
}

func newDecoder(text string) *xml.Decoder {
	d := xml.NewDecoder(strings.NewReader(text))
	// The text was decoded before; what the declaration says of its encoding is history.
	d.CharsetReader = func(_ string, input io.Reader) (io.Reader, error) { return input, nil }
	return d
}

// readElement reads to the end of an element that has begun.
func readElement(d *xml.Decoder, start xml.StartElement) (*node, error) {
	root := fromStart(start)
	open := []*node{root}
	for nodes := 1; len(open) > 0; {
		token, err := d.Token()
		if err != nil {
			return nil, fmt.Errorf("%w: %w", errXML, err)
		}
		top := open[len(open)-1]
		switch t := token.(type) {
		case xml.StartElement:
			if nodes++; nodes > maxNodes || len(open) > maxDepth {
				return nil, fmt.Errorf("%w: too deep or too large", errXML)
			}
			kid := fromStart(t)
			top.add(kid)
			open = append(open, kid)
		case xml.CharData:
			top.value += string(t)
		case xml.EndElement:
			top.value = strings.TrimSpace(top.value)
			open = open[:len(open)-1]
		}
	}
	return root, nil
}

func fromStart(t xml.StartElement) *node {
	n := el(t.Name.Local)
	for _, a := range t.Attr {
		if a.Name.Local != "xmlns" && a.Name.Space != "xmlns" {
			n.with(a.Name.Local, a.Value)
		}
	}
	return n
}
