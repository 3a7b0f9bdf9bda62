package main

import (
	"context"
	"fmt"
	"io"

	"crontopus.dev/agent/pkg/verify"
)

func verifyCommand(_ context.Context, args []string, out io.Writer) error {
	s := newSettings("verify", out)
	signature := s.flags.String("signature", "", "signature `file` (default: FILE"+verify.Suffix+")")
	key := s.flags.String("key", verify.PublicKey, "release `key`, as minisign writes it (default: the one pinned in this program)")
	files, err := s.parseFiles(args)
	if err != nil {
		return err
	}
	if len(files) == 0 || (len(files) > 1 && *signature != "") {
		return &usageError{"verify needs the FILE that was downloaded, with FILE" + verify.Suffix + " beside it"}
	}
	for _, file := range files {
		release, err := verify.File(file, *signature, *key)
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintf(out, "%s: genuine %s %s\n", file, release.Name, release.Version); err != nil {
			return fmt.Errorf("output: %w", err)
		}
	}
	return nil
}
