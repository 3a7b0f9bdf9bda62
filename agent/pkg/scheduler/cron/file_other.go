//go:build !unix

package cron

import (
	"io/fs"
	"os"
)

func likeOld(f *os.File, _ fs.FileInfo) error { return f.Chmod(fileMode) }
