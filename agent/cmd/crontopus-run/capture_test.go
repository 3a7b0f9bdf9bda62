package main

import (
	"bytes"
	"math/rand/v2"
	"strings"
	"testing"
	"unicode/utf8"

	"crontopus.dev/agent/pkg/jobfile"
)

func captured(opts jobfile.Output, chunk int, text []byte) (data []byte, total int64, cut bool) {
	c := newCapture(opts)
	for len(text) > 0 {
		n := min(chunk, len(text))
		c.add(text[:n])
		text = text[n:]
	}
	out := c.output()
	return out.Data, out.TotalBytes, out.Truncated
}

// TestASecretAnywhereIsHidden slides a secret over both cuts of a small and of a large output.
func TestASecretAnywhereIsHidden(t *testing.T) {
	const secret = "password=hunter2hunter2"
	opts := jobfile.Output{Capture: "headtail", MaxBytes: 200, Redact: []string{`password=\S+`}}
	for _, size := range []int{150, 1000, 4 * margin} {
		for _, capture := range []string{"headtail", "head", "tail"} {
			opts.Capture = capture
			for i := range size - len(secret) {
				if size > 1000 && (150 < i && i < size-150 || i%5 > 0) {
					continue // far from both cuts
				}
				text := bytes.Repeat([]byte(" ."), size/2)
				copy(text[i:], secret+" ")
				data, total, cut := captured(opts, 77, text)
				if s := string(data); strings.Contains(s, "hunter") || strings.Contains(s, "passw") || strings.Contains(s, "ter2") {
					t.Fatalf("%s of %d bytes, secret at %d: %s", capture, size, i, s)
				}
				if total != int64(size) || cut != (size > 200) {
					t.Fatalf("%s of %d bytes: total %d, cut %v", capture, size, total, cut)
				}
			}
		}
	}
}

func TestTailBehindAMarginIsWhatItWas(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	text := make([]byte, 3*margin)
	for i := range text {
		text[i] = byte('a' + random.IntN(26))
	}
	for _, redact := range [][]string{nil, {"NOTHING"}} {
		data, _, _ := captured(jobfile.Output{Capture: "headtail", MaxBytes: 1001, Redact: redact}, 4096, text)
		if !bytes.HasPrefix(data, append(bytes.Clone(text[:500]), '\n')) || !bytes.HasSuffix(data, append([]byte("\n"), text[len(text)-501:]...)) {
			t.Errorf("%v: %s", redact, data)
		}
	}
}

func TestRedactionOfOddBytes(t *testing.T) {
	utf16 := func(s string) string { return strings.Join(strings.Split(s, ""), "\x00") + "\x00" }
	for _, c := range []struct{ name, pattern, text, want string }{
		{"Latin-1 around", `key=\S+`, "\xe9t\xe9 key=\xe9\xff\xfe! ok\xe9", "\xe9t\xe9 [redacted] ok\xe9"},
		{"UTF-16", `key=\w+`, utf16("a key=abc "), utf16("a ") + "[redacted]\x00" + utf16(" ")},
		{"several lines", `(?s)BEGIN.*END`, "x BEGIN a\nb END y", "x [redacted] y"},
		{"two patterns that overlap", `bcd|cde`, "abcdef", "a[redacted]ef"},
		{"an empty match hides nothing", `x*`, "abc", "abc"},
		{"neighbours become one", `[0-9]`, "a123b", "a[redacted]b"},
	} {
		t.Run(c.name, func(t *testing.T) {
			data, _, _ := captured(jobfile.Output{MaxBytes: 1000, Redact: []string{c.pattern}}, 3, []byte(c.text))
			if string(data) != c.want {
				t.Errorf("%q, want %q", data, c.want)
			}
		})
	}
	if data, _, _ := captured(jobfile.Output{MaxBytes: 1000, Redact: []string{"abcd", "cdef"}}, 3, []byte("xabcdefy")); string(data) != "x[redacted]y" {
		t.Errorf("overlapping matches of two patterns: %q", data)
	}
}

func TestABadPatternKeepsNothing(t *testing.T) {
	if data, total, _ := captured(jobfile.Output{MaxBytes: 1000, Redact: []string{"("}}, 100, []byte("secret")); bytes.Contains(data, []byte("secret")) || total != 6 {
		t.Errorf("%q %d", data, total)
	}
}

func TestCharactersAreNotCutInHalf(t *testing.T) {
	text := []byte(strings.Repeat("€", 1000))
	for limit := 1; limit < 40; limit++ {
		for _, capture := range []string{"headtail", "head", "tail"} {
			if data, _, _ := captured(jobfile.Output{Capture: capture, MaxBytes: limit}, 7, text); !utf8.Valid(data) {
				t.Errorf("%s of %d bytes: %q", capture, limit, data)
			}
		}
	}
	if data, _, _ := captured(jobfile.Output{Capture: "head", MaxBytes: 4}, 7, []byte("\xff\xfe\xfd\xfc\xfb")); string(data) != "\xff\xfe\xfd\xfc" {
		t.Errorf("bytes that are no text were cut: %q", data)
	}
}

func TestManyShortSecretsStayWithinTheLimit(t *testing.T) {
	data, _, cut := captured(jobfile.Output{Capture: "head", MaxBytes: maxCapture, Redact: []string{"x"}}, 1<<16, bytes.Repeat([]byte("xy"), maxCapture))
	if len(data) > maxCapture || !cut {
		t.Errorf("%d bytes", len(data))
	}
}

func FuzzCapture(f *testing.F) {
	f.Add([]byte("password=abc def"), 10, 3)
	f.Add([]byte("\xff\x00a\x00=\x00"), 1, 1)
	f.Fuzz(func(t *testing.T, text []byte, limit, chunk int) {
		limit = min(max(limit, 0), 1000)
		data, total, cut := captured(jobfile.Output{MaxBytes: limit, Redact: []string{`password=\S+`, "a+"}}, max(chunk, 1), text)
		if total != int64(len(text)) || cut != (len(text) > limit) || bytes.Contains(data, []byte("a=")) {
			t.Errorf("%q of %q: %d %v", data, text, total, cut)
		}
	})
}
