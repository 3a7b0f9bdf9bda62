package schedule

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"time"
)

var now = time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)

func zone(t *testing.T, name string) *time.Location {
	t.Helper()
	z, err := LoadZone(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

func TestNative(t *testing.T) {
	for _, c := range []struct{ text, zone, machine, want string }{
		{"0 2 * * *", "UTC", "UTC", "0 2 * * *"},
		{"@weekly", "UTC", "Etc/UTC", "0 0 * * 0"},
		{"  0  2 * JAN-Mar mon,FRI ", "UTC", "UTC", "0 2 * 1-3 1,5"},
		{"1-59/2,0 */4 1 * 5-7", "UTC", "UTC", "1-59/2,0 */4 1 * 5-7"},
		{"0 2 * * *", "Europe/London", "Europe/London", "0 2 * * *"},
		{"0 2 * * *", "UTC", "Africa/Abidjan", "0 2 * * *"}, // GMT all year
		{"0 2 * * *", "Europe/London", "UTC", ""},
		{"0 2 * * *", "UTC", "Europe/London", ""}, // the same clock today, not in summer
		{"*/15 * * * *", "UTC", "Europe/London", "*/15 * * * *"},
		{"*/15 * * * *", "UTC", "Asia/Kolkata", "*/15 * * * *"}, // +5:30 keeps quarters
		{"*/20 * * * *", "UTC", "Asia/Kolkata", ""},
		{"*/15 9 * * *", "UTC", "Asia/Kolkata", ""},
		{"every 5m", "Europe/London", "Europe/London", "*/5 * * * *"},
		{"every 1h", "UTC", "America/New_York", "0 * * * *"},
		{"every 60m", "UTC", "Asia/Kolkata", ""},
		{"every 2h", "UTC", "UTC", "0 */2 * * *"},
		{"every 2h", "UTC", "Europe/London", ""},
		{"every 1d", "UTC", "UTC", "0 0 * * *"},
		{"every 1w", "UTC", "UTC", "0 0 * * 4"},
		{"every 7m", "UTC", "UTC", ""},
		{"every 90m", "UTC", "UTC", ""},
		{"every 5h", "UTC", "UTC", ""},
		{"every 2d", "UTC", "UTC", ""},
	} {
		s, err := Parse(c.text)
		if err != nil {
			t.Errorf("%q: %v", c.text, err)
			continue
		}
		got, err := s.Native(zone(t, c.zone), zone(t, c.machine), now)
		if got != c.want || (err != nil) != (c.want == "") || (err != nil && !errors.Is(err, ErrNotExpressible)) {
			t.Errorf("%q in %s on %s: %q, %v; want %q", c.text, c.zone, c.machine, got, err, c.want)
		}
	}
}

func TestRefused(t *testing.T) {
	for _, text := range []string{"", "*", "* * * *", "* * * * * *", "60 * * * *", "* 24 * * *", "* * 0 * *", "* * * 13 *", "* * * * 8",
		"*/0 * * * *", "*/60 * * * *", "5/15 * * * *", "5-1 * * * *", "-1 * * * *", "1- * * * *", ", * * * *", "1,,2 * * * *",
		"? * * * *", "* * L * *", "* * * * 5#2", "* * * * sat-sun", "@reboot", "@Daily", "@every 5m", "0 0 31 2,4,6,9,11 *",
		"every", "every 30s", "every 90s", "every m", "every 5", "Every 5m", "every 0m", "every 5m 1h", "every 367d", "* * * * *\n* * * * *"} {
		var known *Error
		if s, err := Parse(text); !errors.As(err, &known) || known.Code == "" {
			t.Errorf("%q: %+v, %v", text, s, err)
		}
	}
}

// FuzzParse: whatever is accepted renders to what may stand on a crontab line, and to the same again.
func FuzzParse(f *testing.F) {
	for _, s := range []string{"0 2 * * *", "@daily", "every 15m", "1-59/2,0 */4 1 JAN 5-7", "* * * * %"} {
		f.Add(s)
	}
	for _, c := range loadVectors(f) {
		for _, text := range c.Schedule {
			f.Add(text)
		}
	}
	safe := regexp.MustCompile(`^[0-9*,/-]+( [0-9*,/-]+){4}$`)
	f.Fuzz(func(t *testing.T, text string) {
		s, err := Parse(text)
		if err != nil {
			return
		}
		native, err := s.Native(time.UTC, time.UTC, now)
		if err != nil {
			return
		}
		if !safe.MatchString(native) {
			t.Fatalf("%q rendered as %q", text, native)
		}
		again, err := Parse(native)
		if err != nil {
			t.Fatalf("%q rendered as %q: %v", text, native, err)
		}
		if twice, err := again.Native(time.UTC, time.UTC, now); err != nil || twice != native {
			t.Fatalf("%q: %q, %q, %v", text, native, twice, err)
		}
	})
}

func TestMachineZone(t *testing.T) {
	linked, copied, missing, broken := t.TempDir(), t.TempDir(), t.TempDir(), t.TempDir()
	for _, root := range []string{linked, copied, broken} {
		if err := os.Mkdir(filepath.Join(root, "etc"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("/usr/share/zoneinfo/Europe/London", filepath.Join(linked, "etc/localtime")); err != nil {
		t.Fatal(err)
	}
	if data, err := os.ReadFile("/usr/share/zoneinfo/Asia/Tokyo"); err == nil {
		if err := os.WriteFile(filepath.Join(copied, "etc/localtime"), data, 0o644); err != nil {
			t.Fatal(err)
		}
		z, err := MachineZone(copied)
		if err != nil || !sameOffsets(z, zone(t, "Asia/Tokyo"), now) {
			t.Errorf("copied: %v, %v", z, err)
		}
	}
	if z, err := MachineZone(linked); err != nil || z.String() != "Europe/London" {
		t.Errorf("linked: %v, %v", z, err)
	}
	if z, err := MachineZone(missing); err != nil || z != time.UTC {
		t.Errorf("missing: %v, %v", z, err)
	}
	if err := os.WriteFile(filepath.Join(broken, "etc/localtime"), []byte("no"), 0o644); err != nil {
		t.Fatal(err)
	}
	if z, err := MachineZone(broken); err == nil {
		t.Errorf("broken: %v", z)
	}
}

func TestParseDuration(t *testing.T) {
	for text, want := range map[string]time.Duration{"90s": 90 * time.Second, "1h30m": 90 * time.Minute, "1w1d": 8 * 24 * time.Hour, "0s": 0} {
		if got, err := ParseDuration(text); err != nil || got != want {
			t.Errorf("%s: %s, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "5", "m", "30m1h", "-1m", "1.5h", "1ms", "999999w", "1m "} {
		if got, err := ParseDuration(text); err == nil {
			t.Errorf("%q: %s", text, got)
		}
	}
}

// FuzzSlots: whatever is accepted has slots in order, which the search backwards finds as well, and fast.
func FuzzSlots(f *testing.F) {
	for _, c := range loadVectors(f) {
		if c.Error == nil && len(c.Schedule) > 0 {
			f.Add(c.Schedule[0], c.Timezone, int64(1_790_000_000))
		}
	}
	f.Fuzz(func(t *testing.T, text, zone string, at int64) {
		slots, err := NewSlots([]string{text}, zone)
		if err != nil {
			return
		}
		from := time.Unix(at%(1<<33), 0) // 1697 to 2242
		began := time.Now()
		first, ok := slots.After(from)
		if !ok {
			return // 29 February on a weekday may be further than 50 years away
		}
		second, more := slots.After(first)
		back, found := slots.AtOrBefore(first)
		if !first.After(from) || more && !second.After(first) || !found || !back.Equal(first) {
			t.Fatalf("%q in %s after %s: %s, %s; backwards %s", text, zone, from.UTC(), first, second, back)
		}
		if before, ok := slots.AtOrBefore(first.Add(-time.Second)); ok && before.After(from) {
			t.Fatalf("%q in %s: %s lies between %s and %s", text, zone, before, from.UTC(), first)
		}
		if spent := time.Since(began); spent > 5*time.Second {
			t.Fatalf("%q in %s took %s", text, zone, spent)
		}
	})
}

// TestRareExpressionsAreFast: an expression that matches every few decades is found by days, not by minutes.
func TestRareExpressionsAreFast(t *testing.T) {
	for _, text := range []string{"0 0 29 2 */7", "0 0 29 2 1", "59 23 31 12 *", "0 0 29 2 *", "30 1 29 2 */6"} {
		for _, zone := range []string{"UTC", "Europe/London", "Australia/Lord_Howe"} {
			fastest := time.Hour
			for range 3 { // the machine may be busy with something else
				slots, err := NewSlots([]string{text}, zone)
				if err != nil {
					t.Fatal(err)
				}
				began := time.Now()
				if _, ok := slots.After(now); !ok {
					t.Errorf("%q never comes", text)
				}
				fastest = min(fastest, time.Since(began))
			}
			if fastest > 10*time.Millisecond {
				t.Errorf("%q in %s took %s", text, zone, fastest)
			}
		}
	}
}

// TestZonesEndTheirYears: Go gives 2040-12-31 in London as its own bound.
func TestZonesEndTheirYears(t *testing.T) {
	slots, err := NewSlots([]string{"0 12 * * *"}, "Europe/London")
	if err != nil {
		t.Fatal(err)
	}
	got, ok := slots.After(time.Date(2040, 12, 31, 13, 0, 0, 0, time.UTC))
	if want := time.Date(2041, 1, 1, 12, 0, 0, 0, time.UTC); !ok || !got.Equal(want) {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestZoneNames(t *testing.T) {
	names := ZoneNames()
	if len(names) < 500 || TZDataVersion() == "" {
		t.Fatalf("%d zones of %q", len(names), TZDataVersion())
	}
	for _, name := range names {
		if _, err := LoadZone(name); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, name := range []string{"Factory", "+VERSION", "Local", "", "europe/london", "../UTC", "posix/UTC"} {
		if zone, err := LoadZone(name); err == nil {
			t.Errorf("%q: %s", name, zone)
		}
	}
}
