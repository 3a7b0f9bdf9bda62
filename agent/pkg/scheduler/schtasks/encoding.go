package schtasks

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"unicode/utf16"
	"unicode/utf8"
)

var errEncoding = errors.New("the output of schtasks is in no encoding it is known to use")

// decode reads what schtasks prints. It says UTF-16 in the first line and, into a pipe, is in the console's code
// page on most machines.
func decode(data []byte) (string, error) {
	switch {
	case bytes.HasPrefix(data, []byte{0xff, 0xfe}):
		return fromUTF16(data[2:])
	case len(data) >= 4 && data[0] == '<' && data[1] == 0:
		return fromUTF16(data)
	case bytes.HasPrefix(data, []byte{0xef, 0xbb, 0xbf}):
		data = data[3:]
	}
	if bytes.IndexByte(data, 0) >= 0 {
		return "", errEncoding
	}
	if utf8.Valid(data) {
		return string(data), nil
	}
	return fromCodePage(data)
}

func fromUTF16(data []byte) (string, error) {
	if len(data)%2 != 0 {
		return "", fmt.Errorf("%w: half a character at its end", errEncoding)
	}
	units := make([]uint16, len(data)/2)
	for i := range units {
		units[i] = binary.LittleEndian.Uint16(data[2*i:])
	}
	return string(utf16.Decode(units)), nil
}

// encode is the file that schtasks /create /xml reads: UTF-16 with a byte order mark.
func encode(text string) []byte {
	out := []byte{0xff, 0xfe}
	for _, unit := range utf16.Encode([]rune(text)) {
		out = binary.LittleEndian.AppendUint16(out, unit)
	}
	return out
}
