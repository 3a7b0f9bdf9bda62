//go:build !windows

package schtasks

// fromCodePage has no code page to go by outside Windows.
func fromCodePage([]byte) (string, error) { return "", errEncoding }
