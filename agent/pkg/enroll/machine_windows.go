package enroll

import "golang.org/x/sys/windows/registry"

// systemIDs are ids of the installation of the operating system, the best first.
func systemIDs() []string {
	key, err := registry.OpenKey(registry.LOCAL_MACHINE, `SOFTWARE\Microsoft\Cryptography`, registry.QUERY_VALUE|registry.WOW64_64KEY)
	if err != nil {
		return nil // the installation's own id serves
	}
	defer key.Close()
	id, _, err := key.GetStringValue("MachineGuid")
	if err != nil {
		return nil
	}
	return []string{id}
}
