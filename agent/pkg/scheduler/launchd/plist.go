package launchd

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// dict keeps its order: equal jobs give equal bytes.
type dict []pair

type pair struct {
	key   string
	value any // string, int, bool, []any or dict
}

func (d dict) get(key string) any {
	for _, p := range d {
		if p.key == key {
			return p.value
		}
	}
	return nil
}

const header = `<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
`

func (d dict) String() string {
	var b strings.Builder
	b.WriteString(header)
	write(&b, d, "")
	b.WriteString("</plist>\n")
	return b.String()
}

func write(b *strings.Builder, v any, indent string) {
	switch v := v.(type) {
	case dict:
		b.WriteString(indent + "<dict>\n")
		for _, p := range v {
			b.WriteString(indent + "\t<key>" + escape(p.key) + "</key>\n")
			write(b, p.value, indent+"\t")
		}
		b.WriteString(indent + "</dict>\n")
	case []any:
		b.WriteString(indent + "<array>\n")
		for _, one := range v {
			write(b, one, indent+"\t")
		}
		b.WriteString(indent + "</array>\n")
	case bool:
		fmt.Fprintf(b, "%s<%t/>\n", indent, v)
	case int:
		fmt.Fprintf(b, "%s<integer>%d</integer>\n", indent, v)
	default:
		fmt.Fprintf(b, "%s<string>%s</string>\n", indent, escape(fmt.Sprint(v)))
	}
}

func escape(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(s)
}

var (
	errPlist  = errors.New("not a property list in XML")
	errBinary = errors.New("a binary property list")
)

const (
	maxDepth  = 16
	maxValues = 100_000
)

// parse reads other people's property lists. Values of kinds that launchd jobs do not use are left out.
func parse(data []byte) (dict, error) {
	if strings.HasPrefix(string(data), "bplist") {
		return nil, errBinary
	}
	r := &reader{d: xml.NewDecoder(strings.NewReader(string(data)))}
	for {
		token, err := r.d.Token()
		if err != nil {
			return nil, fmt.Errorf("%w: %w", errPlist, err)
		}
		if start, ok := token.(xml.StartElement); ok && start.Name.Local != "plist" {
			v, err := r.value(start, 0)
			if found, ok := v.(dict); ok && err == nil {
				return found, nil
			}
			return nil, errors.Join(errPlist, err)
		}
	}
}

type reader struct {
	d      *xml.Decoder
	values int
}

func (r *reader) value(start xml.StartElement, depth int) (any, error) {
	if r.values++; r.values > maxValues || depth > maxDepth {
		return nil, errors.New("too deep or too large")
	}
	switch start.Name.Local {
	case "dict":
		return r.dict(depth)
	case "array":
		list := []any{}
		err := r.children(func(kid xml.StartElement) error {
			v, err := r.value(kid, depth+1)
			list = append(list, v)
			return err
		})
		return list, err
	case "true", "false":
		return start.Name.Local == "true", r.d.Skip()
	}
	text, err := r.text()
	if err != nil {
		return nil, err
	}
	switch start.Name.Local {
	case "integer":
		return strconv.Atoi(strings.TrimSpace(text))
	case "string":
		return text, nil
	}
	return nil, nil
}

func (r *reader) dict(depth int) (dict, error) {
	d := dict{}
	key := ""
	err := r.children(func(kid xml.StartElement) error {
		if kid.Name.Local == "key" {
			text, err := r.text()
			key = text
			return err
		}
		v, err := r.value(kid, depth+1)
		d = append(d, pair{key, v})
		return err
	})
	return d, err
}

func (r *reader) children(visit func(xml.StartElement) error) error {
	for {
		token, err := r.d.Token()
		if err != nil {
			return err
		}
		switch t := token.(type) {
		case xml.StartElement:
			if err := visit(t); err != nil {
				return err
			}
		case xml.EndElement:
			return nil
		}
	}
}

func (r *reader) text() (string, error) {
	var b strings.Builder
	for {
		token, err := r.d.Token()
		if errors.Is(err, io.EOF) {
			return "", io.ErrUnexpectedEOF
		}
		if err != nil {
			return "", err
		}
		switch t := token.(type) {
		case xml.CharData:
			b.Write(t)
		case xml.StartElement:
			return "", fmt.Errorf("<%s> within text", t.Name.Local)
		case xml.EndElement:
			return b.String(), nil
		}
	}
}
