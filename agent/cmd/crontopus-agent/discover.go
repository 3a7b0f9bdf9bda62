package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"crontopus.dev/agent/pkg/config"
	"crontopus.dev/agent/pkg/discover"
	"crontopus.dev/agent/pkg/manifest"
	"crontopus.dev/agent/pkg/reconcile"
	"crontopus.dev/agent/pkg/scheduler"
)

func discoverCommand(ctx context.Context, args []string, out io.Writer) error {
	s := newSettings("discover", out).withOutput()
	c, err := s.parse(args)
	if err != nil {
		return err
	}
	_, all, looked, err := lookAround(ctx, c)
	if err != nil {
		return err
	}
	found, more := discover.Prepare(all)
	if s.format == "json" {
		err = showJSON(out, found)
	} else {
		err = showFound(out, found, more)
	}
	if err != nil {
		return err
	}
	return looked // what could not be looked at makes the command fail, after what could be is shown
}

// lookAround lists the jobs of others; looked is about places that could not be read.
func lookAround(ctx context.Context, c *config.Config) (e *endpoint, all []scheduler.Foreign, looked, err error) {
	if e, err = openEndpoint(c); err != nil {
		return nil, nil, nil, err
	}
	m, err := openMachine(c, e)
	if err != nil {
		return nil, nil, nil, err
	}
	all, looked = m.foreign(ctx)
	return e, all, looked, nil
}

func showFound(out io.Writer, found []discover.Found, more int) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "ID\tWHERE\tUSER\tSCHEDULE\tCOMMAND\tNOTE")
	for _, f := range found {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", f.ID, strings.TrimSpace(f.Source+" "+f.Place), or(f.User, "-"), or(f.Schedule, "-"), oneLine(f.Command, 60), f.Fixed)
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("output: %w", err)
	}
	if more > 0 {
		if _, err := fmt.Fprintf(out, "and %d more\n", more); err != nil {
			return fmt.Errorf("output: %w", err)
		}
	}
	return nil
}

func oneLine(s string, most int) string {
	runes := []rune(strings.Join(strings.Fields(s), " "))
	if len(runes) > most {
		return string(runes[:most-1]) + "…"
	}
	return string(runes)
}

func adoptCommand(ctx context.Context, args []string, out io.Writer) error {
	s := newSettings("adopt", out)
	as := s.flags.String("as", "", "`namespace/name` of the job")
	undo := s.flags.String("undo", "", "take the adoption of the entry with this `id` back")
	again := s.flags.String("again", "", "adopt the entry with this `id` again, whose adoption was undone")
	c, words, err := s.parseWords(args)
	if err != nil {
		return err
	}
	switch {
	case len(words) == 0 && (*undo == "") != (*again == ""):
		return takeBack(c, or(*undo, *again), *again != "", out)
	case len(words) == 1 && *undo == "" && *again == "":
		return showAdoption(ctx, c, words[0], *as, out)
	}
	return &usageError{"adopt needs an id that discover shows: crontopus-agent adopt ID [--as NAMESPACE/NAME], or --undo ID, or --again ID"}
}

func takeBack(c *config.Config, id string, again bool, out io.Writer) error {
	e, err := openEndpoint(c)
	if err != nil {
		return err
	}
	record, err := reconcile.Undo(e.dir, id, again, time.Now())
	if err != nil {
		return err
	}
	what := "The entry comes back as it was, and the job " + record.Address + " no longer runs here."
	if again {
		what = "The job " + record.Address + " takes the entry's place again."
	}
	return say(out, e, what)
}

// showAdoption prints the manifest that takes an entry's place, with what is secret in it: it is for the
// repository, by way of whoever sits here.
func showAdoption(ctx context.Context, c *config.Config, id, as string, out io.Writer) error {
	e, all, _, err := lookAround(ctx, c)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(all, func(f scheduler.Foreign) bool { return f.ID == id })
	if i < 0 {
		return fmt.Errorf("there is no entry %q on this machine; crontopus-agent discover lists them", id)
	}
	f := all[i]
	if f.Fixed != "" {
		return fmt.Errorf("%s %s can only be looked at: %s", f.Source, f.Place, f.Fixed)
	}
	if as == "" {
		as = "default/" + discover.Name(f.Command)
	}
	namespace, name, ok := manifest.JobPath(as + ".yaml")
	if !ok {
		return &usageError{fmt.Sprintf("--as %q is not namespace/name, in lower-case letters, digits and `-`", as)}
	}
	data, err := discover.Manifest(f, namespace, name, e.id.Hostname, map[string]string{
		reconcile.AdoptsAnnotation: f.ID, reconcile.EndpointAnnotation: e.id.EndpointID.String()})
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(out, "# Commit this as %s.yaml: once it is applied, the entry at %s goes in the same write.\n%s", as, strings.TrimSpace(f.Source+" "+f.Place), data); err != nil {
		return fmt.Errorf("output: %w", err)
	}
	return nil
}
