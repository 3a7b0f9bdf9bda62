package schedule

import "fmt"

// Code is a stable, machine-readable reason; contract/README.md lists them all.
type Code string

// What can be wrong with a schedule, a zone or a duration.
const (
	BadCron            Code = "bad_cron"
	NeverFires         Code = "never_fires"
	RebootNotSupported Code = "reboot_not_supported"
	UnknownAlias       Code = "unknown_alias"
	BadInterval        Code = "bad_interval"
	UnknownTimezone    Code = "unknown_timezone"
	BadDuration        Code = "bad_duration"
	Empty              Code = "empty"
	TooLong            Code = "too_long"
)

// Error is a schedule, zone or duration that cannot be used.
type Error struct {
	Code    Code
	Message string
	Hint    string // what to do about it; may be empty
	Index   int    // which expression of a list; -1 for the zone, the list as a whole or a single value
}

func (e *Error) Error() string {
	if e.Hint == "" {
		return e.Message
	}
	return e.Message + " (" + e.Hint + ")"
}

func fail(code Code, hint, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...), Hint: hint, Index: -1}
}
