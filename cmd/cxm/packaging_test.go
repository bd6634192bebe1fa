package main

import (
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"cxm/internal/config"
)

// unit is a systemd unit: what its directives say, by section and name.
type unit map[string][]string

func readUnit(t *testing.T, name string) unit {
	t.Helper()
	text, err := os.ReadFile("../../packaging/systemd/" + name)
	if err != nil {
		t.Fatal(err)
	}
	u, section := unit{}, ""
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(line), "#")) // what is commented out must be right too
		if strings.HasPrefix(line, "[") {
			section = strings.Trim(line, "[]")
		}
		if name, value, ok := strings.Cut(line, "="); ok && regexp.MustCompile(`^[A-Z][A-Za-z]+$`).MatchString(name) {
			u[section+"."+name] = append(u[section+"."+name], value)
		}
	}
	return u
}

// TestUnits: the units start cxm as it wants to be started, let it do nothing else,
// and name only what there is.
func TestUnits(t *testing.T) {
	service, socket := readUnit(t, "cxm.service"), readUnit(t, "cxm.socket")
	for directive, want := range map[string]string{
		"Service.Type": "notify", "Service.User": "cxm", "Service.NoNewPrivileges": "yes", "Service.CapabilityBoundingSet": "", "Service.ProtectSystem": "strict",
		"Service.ProtectHome": "yes", "Service.PrivateTmp": "yes", "Service.PrivateDevices": "yes", "Service.ProtectKernelTunables": "yes", "Service.ProtectKernelModules": "yes",
		"Service.RestrictNamespaces": "yes", "Service.RestrictSUIDSGID": "yes", "Service.MemoryDenyWriteExecute": "yes", "Service.LockPersonality": "yes",
		"Service.RestrictAddressFamilies": "AF_INET AF_INET6 AF_UNIX", "Service.SystemCallArchitectures": "native", "Service.UMask": "0077",
		"Service.StateDirectory": "cxm", "Service.StateDirectoryMode": "0700", "Unit.Requires": "cxm.socket",
	} {
		if got := service[directive]; !slices.Equal(got, []string{want}) {
			t.Errorf("%s is %q, not %q", directive, got, want)
		}
	}
	if !slices.Contains(service["Service.Environment"], "CXM_LISTEN=systemd:"+socket["Socket.FileDescriptorName"][0]) {
		t.Error("the service does not listen at the socket")
	}
	args := strings.Fields(service["Service.ExecStart"][0])
	cmd, rest, err := newRoot().Find(args[1:])
	if err != nil || cmd.Name() != "serve" {
		t.Fatalf("ExecStart: %v %v", cmd, err)
	}
	if err := cmd.ParseFlags(rest); err != nil {
		t.Errorf("ExecStart: %v", err)
	}
	for _, each := range service["Service.Environment"] {
		known(t, "cxm.service", each)
	}
	if path, err := exec.LookPath("systemd-analyze"); err == nil {
		out, err := exec.Command(path, "security", "--offline=yes", "--threshold=20", "../../packaging/systemd/cxm.service").CombinedOutput()
		if err != nil && strings.Contains(string(out), "Overall exposure") {
			t.Errorf("%v\n%s", err, out)
		}
	}
}

// TestContainerfile: the image is empty but for cxm, belongs to nobody, and sets
// only what there is.
func TestContainerfile(t *testing.T) {
	text, err := os.ReadFile("../../packaging/Containerfile")
	if err != nil {
		t.Fatal(err)
	}
	_, image, ok := strings.Cut(string(text), "\nFROM scratch\n")
	for _, want := range []string{"USER 65532:65532\n", "ca-certificates.crt", `ENTRYPOINT ["/usr/local/bin/cxm"]`, `CMD ["serve"]`} {
		if !ok || !strings.Contains(image, want) {
			t.Errorf("the image lacks %s", want)
		}
	}
	found := regexp.MustCompile(`CXM_[A-Z_]+=[^ \n]*`).FindAllString(string(text), -1)
	if len(found) < 3 {
		t.Errorf("%q", found)
	}
	for _, each := range found {
		known(t, "Containerfile", each)
	}
}

// known checks that a variable is one of cxm's, with a value that it takes.
func known(t *testing.T, where, setting string) {
	t.Helper()
	if strange := config.Strangers([]string{setting}, nil); len(strange) > 0 {
		t.Errorf("%s: %s is no variable of cxm", where, strange)
	}
	name, value, _ := strings.Cut(setting, "=")
	for _, f := range config.Fields() {
		if f.Env == name && f.Check(value) != nil {
			t.Errorf("%s: %s: %v", where, setting, f.Check(value))
		}
	}
}
