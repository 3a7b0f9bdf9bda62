package schtasks

import (
	"fmt"
	"os/user"
)

// accountSID asks Windows; elsewhere nobody has a SID.
func accountSID(name string) (string, error) {
	var u *user.User
	var err error
	if name == "" {
		u, err = user.Current()
	} else {
		u, err = user.Lookup(name)
	}
	if err != nil {
		return "", fmt.Errorf("look up account: %w", err)
	}
	if !isSID(u.Uid) {
		return "", fmt.Errorf("account %s has no SID but %s", u.Username, u.Uid)
	}
	return u.Uid, nil
}
