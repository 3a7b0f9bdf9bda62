package discover

import "regexp"

// Redacted stands where a secret stood.
const Redacted = "[REDACTED]"

const (
	secretWord = `(?:pass(?:wd|word|phrase|wort)?|pwd|secret|token|api[-_]?key|access[-_]?key|account[-_]?key|private[-_]?key|auth|credentials?|sas|dsn)`
	// A value: gone already, quoted, or up to what ends a word for a shell.
	value = `(\[REDACTED\]|"(?:[^"\\]|\\.)*"|'[^']*'|[^\s"';&|)]+)`
)

// rule replaces what matches; $1 and $2 are kept.
type rule struct {
	what *regexp.Regexp
	with string
}

// What is meant to be secret is found by how it is named or written, so that this is a help and no guarantee;
// docs/user/agent.md says so. Too much is rather taken than too little: the exact text stays on the machine.
var rules = []rule{
	// scheme://user:password@host, scheme://token@host
	{regexp.MustCompile(`([A-Za-z][A-Za-z0-9+.-]*://[^\s/:@'"]*):[^\s/@'"]*@`), "$1:" + Redacted + "@"},
	{regexp.MustCompile(`([A-Za-z][A-Za-z0-9+.-]*://)[^\s/:@'"]{16,}@`), "$1" + Redacted + "@"},
	// Authorization: Bearer x, X-Api-Key: x, Cookie: x
	{regexp.MustCompile(`(?i)((?:proxy-)?authorization\s*:\s*)(?:(?:bearer|basic|token|digest)\s+)?[^\s"']+`), "$1" + Redacted},
	{regexp.MustCompile(`(?i)\b((?:cookie|x-[a-z-]*(?:key|token|secret|auth)[a-z-]*|(?:private|api|job|deploy|gitlab)-(?:token|key))\s*:\s*)[^"'\n]+`), "$1" + Redacted},
	{regexp.MustCompile(`(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{8,}`), "$1 " + Redacted},
	// ?token=x&sig=x
	{regexp.MustCompile(`(?i)([?&][a-z0-9_.-]*(?:` + secretWord + `|key|sig|signature|code)[a-z0-9_.-]*=)[^&\s'"]+`), "$1" + Redacted},
	// --db-password=x, --token x, -Dpassword=x
	{regexp.MustCompile(`(?i)((?:^|[\s"'])-{1,2}[a-z0-9_.-]*` + secretWord + `[a-z0-9_.-]*(?:=|\s+))` + value), "$1" + Redacted},
	// PGPASSWORD=x, MY_TOKEN='x', "password": "x", password: x
	{regexp.MustCompile(`(?i)([a-z0-9_.-]*` + secretWord + `[a-z0-9_]*["']?\s*[=:]\s*)` + value), "$1" + Redacted},
	// Shared access signatures and connection strings: SharedAccessKey=x;
	{regexp.MustCompile(`(?i)((?:shared)?accesskey(?:name)?=)[^;\s"']+`), "$1" + Redacted},
	// curl -u user:x, wget --user=u:x
	{regexp.MustCompile(`((?:^|\s)(?:-u|--user|--proxy-user|-U)[=\s]*["']?[^\s:"']+:)[^\s"']+`), "$1" + Redacted},
	// mysql -px, sshpass -p x, redis-cli -a x, ldapsearch -w x, smbclient -U u%x
	{regexp.MustCompile(`(\b(?:mysql|mysqldump|mysqladmin|mariadb|mariadb-dump|mysqlcheck)\b[^|;&\n]*?\s-p)` + value), "$1" + Redacted},
	{regexp.MustCompile(`(\bsshpass\b[^|;&\n]*?\s-p\s*)` + value), "$1" + Redacted},
	{regexp.MustCompile(`(\bredis-cli\b[^|;&\n]*?\s-a\s*)` + value), "$1" + Redacted},
	{regexp.MustCompile(`(\bldap[a-z]+\b[^|;&\n]*?\s-w\s*)` + value), "$1" + Redacted},
	{regexp.MustCompile(`(\bsmbclient\b[^|;&\n]*?\s-U\s*[^\s%]+%)\S+`), "$1" + Redacted},
	// What tells by its own form what it is.
	{regexp.MustCompile(`-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)`), Redacted},
	{regexp.MustCompile(`\b(?:AKIA|ASIA|AROA|AIDA)[0-9A-Z]{16}\b`), Redacted},
	{regexp.MustCompile(`\b(?:gh[opsur]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,}|glpat-[A-Za-z0-9_-]{16,}|xox[abeprs]-[A-Za-z0-9-]{10,}|` +
		`(?:sk|rk|pk)_(?:live|test)_[A-Za-z0-9]{16,}|sk-[A-Za-z0-9_-]{20,}|AIza[0-9A-Za-z_-]{35}|npm_[A-Za-z0-9]{30,}|pypi-[A-Za-z0-9_-]{20,}|` +
		`dop_v1_[a-f0-9]{32,}|hf_[A-Za-z0-9]{20,}|SG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}|ctp_[a-z]+_[A-Za-z0-9_-]{16,})`), Redacted},
	{regexp.MustCompile(`\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*)?`), Redacted},
	{regexp.MustCompile(`(https://hooks\.slack\.com/(?:services|workflows|triggers)/)[^\s"']+`), "$1" + Redacted},
	{regexp.MustCompile(`(https://[a-z.]*discord(?:app)?\.com/api/webhooks/\d+/)[^\s"']+`), "$1" + Redacted},
	{regexp.MustCompile(`(https?://hc-ping\.com/)[^\s"'/]+`), "$1" + Redacted},
	{regexp.MustCompile(`(https?://[^\s"']+/ping/)[^\s"'/]+`), "$1" + Redacted},
	{regexp.MustCompile(`(https://api\.telegram\.org/bot)[^\s"'/]+`), "$1" + Redacted},
}

// Redact takes out what looks like a secret, and tells whether there was any.
func Redact(text string) (string, bool) {
	out := text
	for _, r := range rules {
		out = r.what.ReplaceAllString(out, r.with)
	}
	return out, out != text
}
