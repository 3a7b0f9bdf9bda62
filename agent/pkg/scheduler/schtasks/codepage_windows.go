package schtasks

import (
	"fmt"
	"syscall"
	"unicode/utf16"
	"unsafe"
)

var multiByteToWideChar = syscall.NewLazyDLL("kernel32.dll").NewProc("MultiByteToWideChar")

const (
	codePageOEM   = 1
	refuseInvalid = 8 // MB_ERR_INVALID_CHARS
)

// fromCodePage reads text in the code page of the machine's console.
func fromCodePage(data []byte) (string, error) {
	if len(data) == 0 {
		return "", nil
	}
	wide := make([]uint16, 2*len(data))
	n, _, err := multiByteToWideChar.Call(codePageOEM, refuseInvalid, uintptr(unsafe.Pointer(&data[0])), uintptr(len(data)),
		uintptr(unsafe.Pointer(&wide[0])), uintptr(len(wide)))
	if n == 0 || int(n) > len(wide) {
		return "", fmt.Errorf("%w: %w", errEncoding, err)
	}
	return string(utf16.Decode(wide[:n])), nil
}
